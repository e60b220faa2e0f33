//! Engines exchange: settle, heartbeat and claim, in this order, in one transaction.
//!
//! Each part is carried out for all exchanges of the batch before the next part is. So what one engine releases,
//! another one may claim in the same transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::{Claim, SettleCommand};
use enginehouse_store::StoreError;

use super::answers::{Exchanged, SettleResult};
use super::batch::{ExchangeOutcome, distinct};
use super::claim::{Claimant, claim};
use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::heartbeat::heartbeat;
use super::reply::Refusal;
use super::request::EngineExchange;
use super::settle::settle;
use super::wait_queue::{Occupancy, TakenPoll};

/// For how many events that their engines have failed one batch has others woken: each may be compared with every claim that waits.
const MAX_FOR_OTHERS: usize = 16;

/// The exchanges of a batch.
pub(super) struct Exchanges<'a> {
    requests: &'a [EngineExchange],
    /// In the order of the requests; an exchange of an older epoch is refused before any part of it is carried out.
    answers: Vec<Result<Exchanged, Refusal>>,
    /// The engines of the exchanges, locked.
    engines: HashMap<EngineId, RegisteredEngine>,
}

impl<'a> Exchanges<'a> {
    /// Reads the engines, and refuses exchanges of older epochs and of engines that are gone. One that was drained to its end may
    /// not know it: its heartbeat is answered once more, and says so.
    pub(super) async fn begin(
        context: &mut TransactionContext<'_>,
        requests: &'a [EngineExchange],
    ) -> Result<Self, StoreError> {
        let ids = distinct(requests.iter().map(|request| &request.engine_id));
        let mut engines = HashMap::new();
        if !ids.is_empty() {
            engines.extend(by_id(context.transaction.engines_by_id(&ids).await?));
        }
        let check = |request: &EngineExchange| {
            let exchange = &request.exchange;
            let claims_only = exchange.claim.is_some() && exchange.heartbeat.is_none();
            let only_heartbeats = exchange.heartbeat.is_some() && exchange.claim.is_none();
            let Some(engine) = engines.get(&request.engine_id) else {
                return Err(context.no_engine(&request.engine_id));
            };
            let is_drained = only_heartbeats && engine.epoch == request.epoch && engine.is_drained();
            let refused = if is_drained { None } else { refusal(engine, request.epoch, claims_only) };
            let is_own = || request.session.admits(engine.session.as_ref());
            match refused.or_else(|| (!is_own()).then(|| Refusal::WrongSession(engine.engine_id.clone()))) {
                Some(refused) => Err(refused),
                None => Ok(Exchanged::default()),
            }
        };
        let answers = requests.iter().map(check).collect();
        Ok(Self { requests, answers, engines })
    }

    /// The exchanges that were not refused, each with its answer.
    fn accepted(&mut self) -> impl Iterator<Item = (&'a EngineExchange, &mut Exchanged)> {
        self.requests
            .iter()
            .zip(&mut self.answers)
            .filter_map(|(request, answer)| Some((request, answer.as_mut().ok()?)))
    }

    /// Settles what the exchanges and the other requests of the batch settle, as one set. Answers the other requests.
    pub(super) async fn settle(
        &mut self,
        context: &mut TransactionContext<'_>,
        others: &[Vec<SettleCommand>],
    ) -> Result<Vec<Vec<SettleResult>>, StoreError> {
        let of_exchanges = self.accepted().map(|(request, _)| &request.exchange.settlements[..]);
        let all: Vec<_> = of_exchanges.chain(others.iter().map(Vec::as_slice)).collect();
        let mut answers = settle(context, &all).await?.into_iter();
        for ((_, exchanged), settlements) in self.accepted().zip(answers.by_ref()) {
            exchanged.settlements = settlements;
        }
        Ok(answers.collect())
    }

    /// Moves the deadlines of engines whose exchange has no heartbeat in it: it is a sign of life as well.
    pub(super) async fn see(&mut self, context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
        let ids: HashSet<_> = self.accepted().map(|(request, _)| &request.engine_id).collect();
        let mut seen = Vec::new();
        for (_, engine) in self.engines.iter_mut().filter(|(engine_id, _)| ids.contains(engine_id)) {
            if let Some(later) = engine.seen(context.now) {
                seen.push(later.clone());
                *engine = later;
            }
            context.seen_engines.keep([&*engine]);
        }
        if !seen.is_empty() {
            for engine in &seen {
                bring_forward(&mut context.effects.deadlines.engine_loss, engine.lost_due_at);
            }
            context.transaction.write_engines(&seen).await?;
        }
        Ok(())
    }

    pub(super) async fn heartbeat(&mut self, context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
        let heartbeats: Vec<_> = self
            .accepted()
            .filter_map(|(request, _)| Some((&request.engine_id, request.exchange.heartbeat.as_ref()?)))
            .collect();
        if heartbeats.is_empty() {
            return Ok(());
        }
        let mut answers = heartbeat(context, &heartbeats, &mut self.engines).await?.into_iter();
        for (_, exchanged) in self.accepted().filter(|(request, _)| request.exchange.heartbeat.is_some()) {
            exchanged.heartbeat = answers.next();
        }
        Ok(())
    }

    /// Gives events to the waiting claims that are woken, oldest first, then to the claims of the exchanges. Answers the
    /// exchanges; a woken claim keeps its answer, if it has one now.
    pub(super) async fn claim(
        mut self,
        context: &mut TransactionContext<'_>,
        woken: &mut [TakenPoll],
    ) -> Result<Vec<Result<ExchangeOutcome, Refusal>>, StoreError> {
        let woken_ids = distinct(woken.iter().map(|taken| &taken.poll.engine_id));
        if !woken_ids.is_empty() {
            // What heartbeats have changed above is written: it is read here.
            let free = context.transaction.free_engines_by_id(&woken_ids).await?;
            self.engines.extend(by_id(free));
        }
        let mut claimants = Vec::new();
        // Which of the woken claims the first claimants are.
        let mut of_woken = Vec::new();
        for (index, TakenPoll { poll, .. }) in woken.iter_mut().enumerate() {
            let engine = self.engines.get(&poll.engine_id);
            // Another transaction works for the engine: this claim has its turn when that one has ended.
            poll.look_again = engine.is_none() && context.registry.knows_engine(&poll.engine_id);
            if poll.look_again {
                continue;
            }
            let Some(engine) = engine else {
                poll.answer = Some(Err(context.no_engine(&poll.engine_id)));
                continue;
            };
            if let Some(refused) = refusal(engine, poll.epoch, true) {
                poll.answer = Some(Err(refused));
            } else {
                of_woken.push(index);
                claimants.push(Claimant { engine: engine.clone(), claim: poll.claim.clone() });
            }
        }
        let wants = |request: &'a EngineExchange| request.exchange.claim.as_ref();
        for (request, answer) in self.requests.iter().zip(&self.answers) {
            if let (Ok(_), Some(claim), Some(engine)) = (answer, wants(request), self.engines.get(&request.engine_id)) {
                claimants.push(Claimant { engine: engine.clone(), claim: claim.clone() });
            }
        }
        let mut claimed = claim(context, &claimants).await?.into_iter();
        for (index, given) in of_woken.into_iter().zip(claimed.by_ref()) {
            let poll = &mut woken[index].poll;
            // It is not woken for such events again, as long as it is held back.
            if !matches!(poll.room.occupancy, Occupancy::HeldBack(_)) {
                context.effects.kept_from.extend(given.kept_from);
            }
            poll.room = given.room;
            // It was woken in the place of an idle engine, which can be given what this one had to pass over.
            context.effects.passed_over.extend(given.passed_over);
            let room = MAX_FOR_OTHERS.saturating_sub(context.effects.for_others.len());
            context.effects.for_others.extend(given.for_others.into_iter().take(room));
            if !given.events.is_empty() {
                poll.answer = Some(Ok(Exchanged { claimed: Some(given.events), ..poll.exchanged.clone() }));
            }
        }
        let mut outcomes = Vec::with_capacity(self.requests.len());
        for (request, answer) in self.requests.iter().zip(self.answers) {
            outcomes.push(answer.map(|mut exchanged| {
                let Some((claim, given)) = wants(request).and_then(|claim| Some((claim, claimed.next()?))) else {
                    return ExchangeOutcome::Answered(exchanged);
                };
                let waits = may_wait(claim) && given.events.is_empty();
                let engine = self.engines.get(&request.engine_id);
                exchanged.claimed = Some(given.events);
                match waits {
                    true => ExchangeOutcome::Waits {
                        exchanged,
                        room: given.room,
                        heartbeat_interval: engine.map_or(Duration::ZERO, |engine| engine.heartbeat_interval),
                    },
                    false => ExchangeOutcome::Answered(exchanged),
                }
            }));
        }
        let waits = outcomes.iter().any(|outcome| matches!(outcome, Ok(ExchangeOutcome::Waits { .. })));
        if waits && !context.effects.deadlines.ready_known {
            context.find_next_ready().await?;
        }
        Ok(outcomes)
    }
}

fn may_wait(claim: &Claim) -> bool {
    !claim.wait.is_zero()
}

fn by_id(engines: Vec<RegisteredEngine>) -> impl Iterator<Item = (EngineId, RegisteredEngine)> {
    engines.into_iter().map(|engine| (engine.engine_id.clone(), engine))
}

/// Why an engine is refused as a whole; none if it is not. A lost engine may send a heartbeat, but not claim before.
fn refusal(engine: &RegisteredEngine, epoch: i64, claims_only: bool) -> Option<Refusal> {
    let engine_id = engine.engine_id.clone();
    if engine.epoch != epoch {
        return Some(Refusal::EngineSuperseded { engine_id, epoch, current: engine.epoch });
    }
    match engine.status {
        EngineStatus::Stopped => Some(Refusal::EngineNotRegistered(engine_id)),
        EngineStatus::Lost if claims_only => Some(Refusal::EngineLost(engine_id)),
        _ => None,
    }
}
