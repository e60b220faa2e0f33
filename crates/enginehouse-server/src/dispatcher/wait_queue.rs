//! Claims that have found nothing and wait for events: in memory, oldest first.
//!
//! Nothing is locked for a claim that waits, so a client that goes away while it does leaves nothing behind.
//!
//! A batch that may have something for some of them takes them out, so that no other batch serves them too. It puts
//! back those that it had nothing for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::engine::Abilities;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::Claim;
use tokio::time::Instant;

use super::answers::Exchanged;
use super::registry::Registry;
use super::reply::{Refusal, Reply};
use super::seen_engines::Callers;
use super::wake_matches::WakeMatches;
use super::wake_ups::WakeUps;

/// A claim that waits for events.
pub(super) struct LongPoll {
    pub(super) engine_id: EngineId,
    pub(super) epoch: i64,
    pub(super) claim: Claim,
    /// The answers to the other parts of its exchange.
    pub(super) exchanged: Exchanged,
    pub(super) occupancy: Occupancy,
    /// When it is answered with nothing.
    pub(super) until: Instant,
    /// When it is the next sign that its engine lives; none if the engine sends no heartbeats.
    pub(super) sign_at: Option<Instant>,
    /// How often it is one.
    pub(super) heartbeat_interval: Duration,
    pub(super) reply: Reply<Exchanged>,
    /// Something may have become ready for it while no batch could serve it.
    pub(super) look_again: bool,
    /// What the batch that has taken it out answers, once that has committed.
    pub(super) answer: Option<Result<Exchanged, Refusal>>,
}

/// What the engine of a waiting claim could be given, when that was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupancy {
    /// It holds nothing, and may be given anything.
    Idle,
    /// It holds something, and so may not be given an event that must be alone.
    Busy,
    /// It is given nothing before it is idle: what it holds must be alone, or it is held back for an event that must.
    Closed,
}

/// The claims that wait, shared by the scheduler and its workers.
#[derive(Clone, Default)]
pub(super) struct WaitQueue(Arc<Mutex<Polls>>);

#[derive(Default)]
struct Polls {
    /// By number: the oldest first.
    waiting: BTreeMap<u64, LongPoll>,
    last_number: u64,
    /// When a claim is the next sign of life, or before: the claim may be gone.
    next_sign: Option<Instant>,
    /// How many batches have taken out.
    taken: usize,
}

/// A claim that a batch has taken out, with its place in the queue.
pub(super) struct TakenPoll {
    number: u64,
    pub(super) poll: LongPoll,
}

impl WaitQueue {
    fn polls(&self) -> MutexGuard<'_, Polls> {
        // Nobody panics while holding it, and if somebody did, the claims are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        let polls = self.polls();
        polls.waiting.len() + polls.taken
    }

    pub(super) fn push(&self, poll: LongPoll) {
        let mut polls = self.polls();
        polls.last_number += 1;
        polls.next_sign = polls.next_sign.into_iter().chain(poll.sign_at).min();
        let number = polls.last_number;
        polls.waiting.insert(number, poll);
    }

    /// Whether some claim is to be looked at again.
    pub(super) fn has_look_again(&self) -> bool {
        self.polls().has_look_again()
    }

    /// Whether some claim may find something now.
    pub(super) fn may_serve(&self, wake_ups: &WakeUps, registry: &Registry) -> bool {
        let mut matches = WakeMatches::new(wake_ups);
        !wake_ups.is_empty()
            && self.polls().waiting.values().any(|poll| {
                wake_ups.all
                    || wake_ups.engines.contains(&poll.engine_id)
                    || poll.may_be_given_any(&mut matches, registry)
            })
    }

    /// Takes out claims that may find something now: for each event that has become ready the oldest claim that it may
    /// go to, those of engines that have changed, and those that are to be looked at again.
    pub(super) fn take_woken(&self, wake_ups: &WakeUps, registry: &Registry) -> Vec<TakenPoll> {
        let mut guard = self.polls();
        let polls = &mut *guard;
        if wake_ups.is_empty() && !polls.has_look_again() {
            return Vec::new();
        }
        let mut matches = WakeMatches::new(wake_ups);
        let mut woken = Vec::new();
        for (number, poll) in polls.waiting.iter().filter(|(_, poll)| !poll.reply.caller_has_gone()) {
            if poll.may_be_given_any(&mut matches, registry)
                || wake_ups.all
                || wake_ups.engines.contains(&poll.engine_id)
                || poll.look_again
            {
                woken.push(*number);
            }
        }
        polls.taken += woken.len();
        let take = |number| polls.waiting.remove(&number).map(|poll| TakenPoll { number, poll });
        woken.into_iter().filter_map(take).collect()
    }

    /// Claims that were taken out have an answer now.
    pub(super) fn answered(&self, claims: usize) {
        self.polls().taken -= claims;
    }

    /// Puts back claims that were taken out, in their old places.
    pub(super) fn put_back(&self, claims: Vec<TakenPoll>) {
        let mut polls = self.polls();
        for TakenPoll { number, poll } in claims {
            polls.taken -= 1;
            polls.waiting.insert(number, LongPoll { answer: None, ..poll });
        }
    }

    /// Takes out claims whose time is over, and those whose callers have gone.
    pub(super) fn take_expired(&self, now: Instant) -> Vec<LongPoll> {
        let mut polls = self.polls();
        polls
            .waiting
            .extract_if(.., |_, poll| poll.until <= now || poll.reply.caller_has_gone())
            .map(|(_, poll)| poll)
            .collect()
    }

    /// Takes out every claim.
    pub(super) fn take_all(&self) -> Vec<LongPoll> {
        std::mem::take(&mut self.polls().waiting).into_values().collect()
    }

    /// The engines whose claims are due to be a sign of life, or soon will be: so those of many engines are one write.
    pub(super) fn take_signs(&self, now: Instant) -> Callers {
        let mut callers = Callers::new();
        let mut polls = self.polls();
        if !polls.has_signs(now) {
            return callers;
        }
        for poll in polls.waiting.values_mut() {
            let interval = poll.heartbeat_interval;
            if poll.sign_at.is_some_and(|at| at <= now + interval / 4) && !poll.reply.caller_has_gone() {
                poll.sign_at = Some(now + interval);
                callers.insert(poll.engine_id.clone(), poll.epoch);
            }
        }
        polls.next_sign = polls.waiting.values().filter_map(|poll| poll.sign_at).min();
        callers
    }

    /// Whether some claim is due to be a sign of life.
    pub(super) fn has_signs(&self, now: Instant) -> bool {
        self.polls().has_signs(now)
    }

    /// When the next claim's time is over, or is a sign of life.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let polls = self.polls();
        polls.waiting.values().map(|poll| poll.until).chain(polls.next_sign).min()
    }
}

/// Claims of one kind may be given events of the same lanes: the class of their engines, by its address, and what they
/// ask for.
type ClaimKind<'a> = (Option<*const Abilities>, &'a ClaimFilter);

impl LongPoll {
    /// Takes an event that its engine may be given, or of which that is not known. Answers whether there was one.
    fn may_be_given_any<'a>(&'a self, matches: &mut WakeMatches<ClaimKind<'a>>, registry: &Registry) -> bool {
        if self.occupancy == Occupancy::Closed {
            return false;
        }
        let (class, filter) = (registry.class(&self.engine_id), &self.claim.filter);
        let fits = |lane_id| registry.may_serve(class.map(|class| &**class), filter, lane_id);
        matches.take((class.map(Arc::as_ptr), filter), self.occupancy == Occupancy::Idle, fits)
    }
}

impl Polls {
    fn has_signs(&self, now: Instant) -> bool {
        self.next_sign.is_some_and(|at| at <= now)
    }

    fn has_look_again(&self) -> bool {
        self.waiting.values().any(|poll| poll.look_again)
    }
}
