//! Claims that have found nothing and wait for events: in memory, oldest first.
//!
//! Nothing is locked for a claim that waits, so a client that goes away while it does leaves nothing behind.
//!
//! A batch that may have something for some of them takes them out, so that no other batch serves them too. It puts
//! back those that it had nothing for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::engine::Abilities;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::ids::{EngineId, EventType};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::request::Claim;
use tokio::time::Instant;

use super::answers::Exchanged;
use super::quarantines::KeptBy;
use super::registry::Registry;
use super::reply::{Refusal, Reply};
use super::seen_engines::Callers;
use super::wake_matches::WakeMatches;
use super::wake_ups::{EventForOthers, WakeUps};
use crate::timers::Timer;

/// How often claims whose callers have gone are looked for. Nothing is given to them in between either.
const GONE_INTERVAL: Duration = Duration::from_secs(2);

/// A claim that waits for events.
pub(super) struct LongPoll {
    pub(super) engine_id: EngineId,
    pub(super) epoch: i64,
    pub(super) claim: Claim,
    /// The answers to the other parts of its exchange.
    pub(super) exchanged: Exchanged,
    pub(super) room: EngineRoom,
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
#[derive(Clone, Debug)]
pub(super) struct EngineRoom {
    pub(super) occupancy: Occupancy,
    /// The event types at which it is tried with one event that it holds: it is given no other of these.
    pub(super) probed: Vec<EventType>,
}

/// How much the engine of a waiting claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupancy {
    /// It holds nothing, and may be given anything.
    Idle,
    /// It holds something, and so may not be given an event that must be alone.
    Busy,
    /// It is held back for an event of this priority, and may be given what has a better one.
    HeldBack(u8),
    /// It is given nothing before it is idle: what it holds must be alone.
    Closed,
}

/// The claims that wait, shared by the scheduler and its workers.
#[derive(Clone, Default)]
pub(super) struct WaitQueue(Arc<Mutex<Polls>>);

#[derive(Default)]
struct Polls {
    /// By number: the oldest first.
    waiting: BTreeMap<u64, LongPoll>,
    /// The numbers of the claims of an engine.
    by_engine: BTreeSet<(EngineId, u64)>,
    /// The numbers in the order in which their time is over.
    by_end: BTreeSet<(Instant, u64)>,
    /// The numbers of those that are to be looked at again.
    look_again: BTreeSet<u64>,
    /// When callers that have gone are looked for again.
    next_look_for_gone: Option<Instant>,
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
        let number = polls.last_number;
        polls.insert(number, poll);
    }

    /// Whether some claim is to be looked at again.
    pub(super) fn has_look_again(&self) -> bool {
        !self.polls().look_again.is_empty()
    }

    /// Whether some claim may find something now.
    pub(super) fn may_serve(&self, wake_ups: &WakeUps, registry: &Registry) -> bool {
        if wake_ups.is_empty() {
            return false;
        }
        let polls = self.polls();
        let mut matches = WakeMatches::new(wake_ups);
        let any_engine = || wake_ups.engines.iter().any(|engine_id| polls.of_engine(engine_id).next().is_some());
        let any_other = || wake_ups.for_others.values().any(|event| polls.another(event, registry).is_some());
        (wake_ups.all && !polls.waiting.is_empty())
            || any_engine()
            || any_other()
            || !matches.is_exhausted()
                && polls.waiting.values().any(|poll| poll.may_be_given_any(&mut matches, registry))
    }

    /// Takes out claims that may find something now: for each event that has become ready the oldest claim that it may
    /// go to, those of engines that have changed, and those that are to be looked at again.
    pub(super) fn take_woken(&self, wake_ups: &WakeUps, registry: &Registry) -> Vec<TakenPoll> {
        let mut guard = self.polls();
        let polls = &mut *guard;
        if wake_ups.is_empty() && polls.look_again.is_empty() {
            return Vec::new();
        }
        let mut woken = std::mem::take(&mut polls.look_again);
        if wake_ups.all {
            woken.extend(polls.waiting.keys());
        }
        for engine_id in &wake_ups.engines {
            woken.extend(polls.of_engine(engine_id));
        }
        woken.extend(wake_ups.for_others.values().filter_map(|event| polls.another(event, registry)));
        let mut matches = WakeMatches::new(wake_ups);
        for (number, poll) in &polls.waiting {
            if matches.is_exhausted() {
                break;
            }
            if !poll.reply.caller_has_gone() && poll.may_be_given_any(&mut matches, registry) {
                woken.insert(*number);
            }
        }
        woken.retain(|number| polls.waiting.get(number).is_some_and(|poll| !poll.reply.caller_has_gone()));
        polls.taken += woken.len();
        let take = |number| polls.remove(number).map(|poll| TakenPoll { number, poll });
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
            polls.insert(number, LongPoll { answer: None, ..poll });
        }
    }

    /// Takes out claims whose time is over, and those whose callers have gone.
    pub(super) fn take_expired(&self, now: Instant) -> Vec<LongPoll> {
        let mut guard = self.polls();
        let polls = &mut *guard;
        let over = polls.by_end.iter().take_while(|(until, _)| *until <= now);
        let mut ended: Vec<_> = over.map(|(_, number)| *number).collect();
        if polls.next_look_for_gone.is_some_and(|at| at <= now) {
            let gone = polls.waiting.iter().filter(|(_, poll)| poll.reply.caller_has_gone());
            ended.extend(gone.map(|(number, _)| *number));
            polls.next_look_for_gone = Some(now + GONE_INTERVAL);
        }
        ended.into_iter().filter_map(|number| polls.remove(number)).collect()
    }

    /// Takes out every claim.
    pub(super) fn take_all(&self) -> Vec<LongPoll> {
        let mut polls = self.polls();
        (polls.by_engine, polls.by_end, polls.look_again, polls.next_look_for_gone) = Default::default();
        std::mem::take(&mut polls.waiting).into_values().collect()
    }

    /// The engines whose claims are due to be a sign of life, or soon will be: so those of many engines are one write. A claim
    /// whose caller has gone is none any more.
    pub(super) fn take_signs(&self, now: Instant) -> Callers {
        let mut callers = Callers::new();
        let mut polls = self.polls();
        if !polls.has_signs(now) {
            return callers;
        }
        for poll in polls.waiting.values_mut() {
            let interval = poll.heartbeat_interval;
            if poll.reply.caller_has_gone() {
                poll.sign_at = None;
            } else if poll.sign_at.is_some_and(|at| at <= now + interval / 4) {
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

    /// When the next claim's time is over, or is a sign of life, or may turn out to have no caller any more.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let polls = self.polls();
        let (first, _) = polls.by_end.first()?;
        Some(*first).into_iter().chain(polls.next_sign).chain(polls.next_look_for_gone).min()
    }
}

/// Claims of one kind may be given events of the same lanes: the class of their engines, by its address, what they ask for, the
/// priority that an event must be better than, the quarantines that keep them from some, and what they are tried with.
type ClaimKind<'a> = (Option<*const Abilities>, &'a ClaimFilter, Option<u8>, Option<KeptBy<'a>>, &'a [EventType]);

impl LongPoll {
    /// Takes an event that its engine may be given, or of which that is not known. Answers whether there was one.
    fn may_be_given_any<'a>(&'a self, matches: &mut WakeMatches<ClaimKind<'a>>, registry: &'a Registry) -> bool {
        if self.room.occupancy == Occupancy::Closed {
            return false;
        }
        let (class, filter) = (registry.class(&self.engine_id), &self.claim.filter);
        let better_than = match self.room.occupancy {
            Occupancy::HeldBack(priority) => Some(priority),
            _ => None,
        };
        let is_better = |lane_id| {
            better_than.is_none_or(|priority| registry.lane(lane_id).is_ok_and(|lane| lane.priority < priority))
        };
        let (kept_by, probed) = (registry.quarantines.of(&self.engine_id), &self.room.probed[..]);
        let is_kept = |lane_id| {
            kept_by.is_some_and(|kept_by| {
                let keeps_from = |lane: &LaneKey| {
                    let is_enforced = || registry.is_enforced(lane);
                    kept_by.keeps_from(&lane.event_type, is_enforced)
                        || probed.contains(&lane.event_type) && registry.is_enforced(lane)
                };
                registry.lane(lane_id).is_ok_and(|lane| keeps_from(lane))
            })
        };
        let fits = |lane_id| {
            registry.may_serve(class.map(|class| &**class), filter, lane_id) && is_better(lane_id) && !is_kept(lane_id)
        };
        let kind = (class.map(Arc::as_ptr), filter, better_than, kept_by, probed);
        matches.take(kind, self.room.occupancy == Occupancy::Idle, fits)
    }
}

impl Polls {
    fn insert(&mut self, number: u64, poll: LongPoll) {
        self.by_engine.insert((poll.engine_id.clone(), number));
        self.by_end.insert((poll.until, number));
        if poll.look_again {
            self.look_again.insert(number);
        }
        self.next_sign = self.next_sign.into_iter().chain(poll.sign_at).min();
        self.next_look_for_gone.get_or_insert_with(|| Timer::now() + GONE_INTERVAL);
        self.waiting.insert(number, poll);
    }

    fn remove(&mut self, number: u64) -> Option<LongPoll> {
        let poll = self.waiting.remove(&number)?;
        self.by_engine.remove(&(poll.engine_id.clone(), number));
        self.by_end.remove(&(poll.until, number));
        self.look_again.remove(&number);
        if self.waiting.is_empty() {
            self.next_look_for_gone = None;
        }
        Some(poll)
    }

    fn of_engine(&self, engine_id: &EngineId) -> impl Iterator<Item = u64> {
        let (first, last) = ((engine_id.clone(), 0), (engine_id.clone(), u64::MAX));
        self.by_engine.range(first..=last).map(|(_, number)| *number)
    }

    /// The oldest claim that may be given an event which some engines have failed.
    fn another(&self, event: &EventForOthers, registry: &Registry) -> Option<u64> {
        let EventForOthers { lane_id, failed_by } = event;
        let may_have = |poll: &LongPoll| {
            let class = registry.class(&poll.engine_id).map(|class| &**class);
            !failed_by.contains(&poll.engine_id)
                && !poll.reply.caller_has_gone()
                && registry.may_serve(class, &poll.claim.filter, *lane_id)
        };
        self.waiting.iter().find(|(_, poll)| may_have(poll)).map(|(number, _)| *number)
    }

    fn has_signs(&self, now: Instant) -> bool {
        self.next_sign.is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::gates::ClaimFilter;
    use enginehouse_core::request::Affinity;

    use super::*;
    use crate::dispatcher::config::DispatchConfig;

    const INTERVAL: Duration = Duration::from_secs(10);

    /// A claim that waits, and whoever waits for its answer.
    fn poll(engine_id: &str, sign_at: Instant) -> (LongPoll, impl Sized) {
        let (reply, caller) = Reply::channel();
        let claim = Claim {
            limit: 1,
            visibility_timeout: None,
            wait: Duration::from_secs(60),
            filter: ClaimFilter::default(),
            affinity: Affinity::None,
        };
        let poll = LongPoll {
            engine_id: engine_id.parse().unwrap(),
            epoch: 1,
            until: Timer::now() + claim.wait,
            claim,
            exchanged: Exchanged::default(),
            room: EngineRoom { occupancy: Occupancy::Idle, probed: Vec::new() },
            sign_at: Some(sign_at),
            heartbeat_interval: INTERVAL,
            reply,
            look_again: false,
            answer: None,
        };
        (poll, caller)
    }

    #[test]
    fn a_claim_whose_caller_has_gone_is_no_sign_of_life_and_is_not_looked_at_for_one() {
        let (queue, now) = (WaitQueue::default(), Timer::now());
        let (gone, caller) = poll("gone", now);
        queue.push(gone);
        drop(caller);
        assert!(queue.has_signs(now), "it may be there still");
        assert!(queue.take_signs(now).is_empty());
        assert!(!queue.has_signs(now + INTERVAL), "or batches would look for it until it is taken out");
    }

    #[test]
    fn a_claim_that_a_batch_puts_back_is_a_sign_of_life_in_time() {
        let (queue, now, registry) =
            (WaitQueue::default(), Timer::now(), Registry::new(DispatchConfig::default().default_policy, None));
        let (first, _caller) = poll("first", now + INTERVAL / 2);
        queue.push(first);
        let all = WakeUps { all: true, ..WakeUps::default() };
        let taken = queue.take_woken(&all, &registry);
        let (second, _other_caller) = poll("second", now);
        queue.push(second);
        assert_eq!(queue.take_signs(now).len(), 1);
        queue.put_back(taken);
        assert!(queue.has_signs(now + INTERVAL / 2), "not only when the other claim is due again");
    }
}
