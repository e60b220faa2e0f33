//! One transaction: the commands that were waiting, and what has fallen due.
//!
//! The commands of a batch were all waiting at the same time, so any order of them is a right one. They are taken kind
//! by kind, each kind as one set: what engines and operators change first, then settles and heartbeats, then claims, so that
//! an event that comes free is given out in the same transaction.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enginehouse_core::engine::{Engine, EngineStatus};
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::AuditEntry;
use enginehouse_store::{Store, StoreError, Transaction};
use tokio::time::Instant;

use super::claim::{ClaimOf, claim};
use super::commands::{Answer, Command, Exchanged, Refusal};
use super::heartbeat::heartbeat;
use super::registry::Registry;
use super::report::{Due, Report};
use super::waiting::{News, Parked, Waiting};
use super::working::{Deciding, Working};
use super::{Config, engines, enqueue, operate, settings, settle, sweep};
use crate::chance::Chance;
pub(super) use crate::chance::SharedIds;
use crate::timers::{Timer, is_stall};

/// What the operations of a transaction share.
pub(super) struct Batch<'a> {
    pub(super) now: Timestamp,
    /// Whether others may change what is in the store.
    pub(super) is_shared: bool,
    pub(super) config: &'a Config,
    pub(super) registry: &'a mut Registry,
    pub(super) chance: &'a mut dyn Chance,
    pub(super) ids: &'a SharedIds,
    pub(super) report: &'a mut Report,
    pub(super) audits: Vec<AuditEntry>,
}

impl Batch<'_> {
    pub(super) fn deciding(&mut self) -> Deciding<'_> {
        Deciding { now: self.now, registry: self.registry, chance: self.chance, report: self.report }
    }

    /// Notes what an operator did.
    pub(super) fn audit(&mut self, action: &str, target: impl fmt::Display, detail: &serde_json::Value) {
        self.audits.push(AuditEntry {
            at: self.now,
            action: action.to_owned(),
            target: target.to_string(),
            detail: RawJson::from(detail),
        });
    }
}

/// What a batch of commands came to, and what its transaction brought about beside.
pub(super) struct Done {
    /// Of each command, in order.
    pub(super) answers: Vec<Option<Result<Answer, Refusal>>>,
    /// The places of claims that have found nothing and are to wait.
    pub(super) waits: Vec<usize>,
    /// Of waiting claims that have an answer now, by their number.
    pub(super) given: Vec<(u64, Result<Answer, Refusal>)>,
    pub(super) report: Report,
    pub(super) now: Timestamp,
}

/// What one run of a batch works with.
pub(super) struct Run<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) config: &'a Config,
    pub(super) registry: &'a mut Registry,
    pub(super) chance: &'a mut dyn Chance,
    pub(super) ids: &'a SharedIds,
    pub(super) waiting: &'a Mutex<Waiting>,
    /// Waiting claims that were taken out for this batch.
    pub(super) woken: &'a mut Vec<Parked>,
    /// For which claims there may be something, before the batch has begun.
    pub(super) news: News,
    /// What falls due when, as far as is known.
    pub(super) due: Due,
    /// Whether to look at what has fallen due.
    pub(super) chores: bool,
    /// Whether service resumes after an outage.
    pub(super) resumed: bool,
    /// When the store had last carried something out, as of the beginning.
    pub(super) heard_at: Instant,
}

/// Whether a shared store, which is looked at all the time, was not heard for so long that it was away: it may be so without
/// an error, as when it or the way to it stands still.
pub(super) fn is_silence(heard_at: Instant) -> bool {
    is_stall(Timer::now().saturating_duration_since(heard_at).saturating_sub(sweep::SHARED_LOOK))
}

impl Run<'_> {
    /// Carries out commands in one transaction. When this fails, nothing was changed, unless the error says that
    /// this is unknown.
    pub(super) async fn commands(&mut self, commands: &[&Command]) -> Result<Done, StoreError> {
        let mut tx = self.store.begin().await?;
        let now = tx.now();
        let resumed = self.resumed || tx.jumped() || self.store.is_shared() && is_silence(self.heard_at);
        let mut report = Report { due: self.due, news: self.news.clone(), ..Report::default() };
        let mut batch = Batch {
            now,
            is_shared: self.store.is_shared(),
            config: self.config,
            registry: &mut *self.registry,
            chance: &mut *self.chance,
            ids: self.ids,
            report: &mut report,
            audits: Vec::new(),
        };
        let tx_ref = &mut *tx;
        batch.registry.refresh(tx_ref).await?;
        let mut working = Working::default();
        if resumed {
            sweep::grant_grace(tx_ref, &mut working, &mut batch).await?;
        }
        if self.chores {
            let nobody_waits = lock(self.waiting).is_empty();
            chores(tx_ref, nobody_waits, &mut working, &mut batch).await?;
        }
        let mut answers = vec![None; commands.len()];
        change_registry(tx_ref, commands, &mut answers, &mut working, &mut batch).await?;
        enqueue_all(tx_ref, commands, &mut answers, &mut batch).await?;
        let mut exchanges = Exchanges::checked(tx_ref, commands, &mut answers).await?;
        exchanges.settle(tx_ref, commands, &mut answers, &mut working, &mut batch).await?;
        exchanges.heartbeat(tx_ref, &mut working, &mut batch).await?;
        act_all(tx_ref, commands, &mut answers, &mut working, &mut batch).await?;
        self.woken.extend(lock(self.waiting).take_woken(&batch.report.news, batch.registry));
        let (given, waits) = exchanges.claim(tx_ref, self.woken, &mut answers, &mut working, &mut batch).await?;
        engines::stop_drained(tx_ref, &mut batch).await?;
        if !batch.audits.is_empty() {
            tx_ref.insert_audit(&batch.audits).await?;
        }
        tx.commit().await?;
        Ok(Done { answers, waits, given, report, now })
    }
}

/// The claims that wait. Nobody panics while it holds them, and if somebody did, they are as good as before.
pub(super) fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

type Answers = [Option<Result<Answer, Refusal>>];

/// What has fallen due, before anything else: a lock that has expired is lost to every command of the batch.
async fn chores(
    tx: &mut dyn Transaction,
    nobody_waits: bool,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let due = batch.report.due;
    let now = batch.now;
    let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let (locks, engines, retention) = (is_due(due.lock_expiry), is_due(due.engine_loss), is_due(due.retention));
    if locks {
        sweep::expire_locks(tx, working, batch).await?;
    }
    if engines {
        sweep::lose_engines(tx, working, batch).await?;
    }
    if locks || engines {
        sweep::look_ahead(tx, batch).await?;
    }
    if retention {
        sweep::forget(tx, batch).await?;
    }
    if is_due(due.ready) {
        sweep::find_ready(tx, nobody_waits, batch).await?;
    }
    Ok(())
}

/// Commands about engines and settings, one after the other: they are rare.
async fn change_registry(
    tx: &mut dyn Transaction,
    commands: &[&Command],
    answers: &mut Answers,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let engine = |engine: Result<Engine, Refusal>| engine.map(|engine| Answer::Engine(Box::new(engine)));
    for (command, answer) in commands.iter().zip(answers) {
        *answer = Some(match command {
            Command::Register(registration) => {
                let (engine, is_new) = engines::register(tx, registration, working, batch).await?;
                Ok(Answer::Registered(Box::new(engine), is_new))
            }
            Command::Drain { engine_id, stop_when_drained } => {
                engine(engines::drain(tx, engine_id, *stop_when_drained, batch).await?)
            }
            Command::Resume(engine_id) => engine(engines::resume(tx, engine_id, batch).await?),
            Command::Deregister(engine_id) => engine(engines::deregister(tx, engine_id, working, batch).await?),
            Command::SetEventType(event_type, change) => {
                Ok(Answer::Settings(settings::set_event_type(tx, event_type, change, batch).await?))
            }
            Command::SetQueue(queue, change) => {
                Ok(Answer::Settings(settings::set_queue(tx, queue, change, batch).await?))
            }
            Command::Sweep => Ok(Answer::Swept),
            _ => continue,
        });
    }
    Ok(())
}

async fn enqueue_all(
    tx: &mut dyn Transaction,
    commands: &[&Command],
    answers: &mut Answers,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let (places, requests): (Vec<_>, Vec<_>) = commands
        .iter()
        .enumerate()
        .filter_map(|(place, command)| match command {
            Command::Enqueue(events) => Some((place, &events[..])),
            _ => None,
        })
        .unzip();
    if requests.is_empty() {
        return Ok(());
    }
    let enqueued = enqueue::enqueue(tx, &requests, batch).await?;
    for (place, answer) in places.into_iter().zip(enqueued) {
        answers[place] = Some(answer.map(Answer::Enqueued));
    }
    Ok(())
}

/// What operators do to events, one after the other: it is rare.
async fn act_all(
    tx: &mut dyn Transaction,
    commands: &[&Command],
    answers: &mut Answers,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    for (command, answer) in commands.iter().zip(answers) {
        *answer = Some(match command {
            Command::Act { event_id, action } => {
                let event = operate::act(tx, *event_id, action, working, batch).await?;
                event.map(|event| Answer::Event(Box::new(event)))
            }
            Command::RedrivePage { filter, limit, spacing, delay } => {
                let count = operate::redrive_page(tx, filter, *limit, (*delay, *spacing), working, batch).await?;
                Ok(Answer::Count(count))
            }
            Command::DiscardPage { filter, limit, reason } => {
                let count = operate::discard_page(tx, filter, *limit, reason.as_deref(), working, batch).await?;
                Ok(Answer::Count(count))
            }
            _ => continue,
        });
    }
    Ok(())
}

/// Adds the payloads to the answers of commands that have settled one event alone.
async fn show_payloads(
    tx: &mut dyn Transaction,
    shown: &[(usize, EventId)],
    answers: &mut Answers,
) -> Result<(), StoreError> {
    if shown.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = shown.iter().map(|(_, event_id)| *event_id).collect();
    let payloads: HashMap<_, _> = tx.payloads(&ids).await?.into_iter().collect();
    for (place, event_id) in shown {
        if let Some(Ok(Answer::Settled(settled))) = &mut answers[*place]
            && let [Ok(alone)] = &mut settled[..]
        {
            alone.payload = payloads.get(event_id).cloned();
        }
    }
    Ok(())
}

/// The exchanges of a batch whose epoch is the present one.
struct Exchanges<'a> {
    engines: HashMap<EngineId, Engine>,
    of: Vec<ExchangeOf<'a>>,
}

struct ExchangeOf<'a> {
    place: usize,
    engine_id: &'a EngineId,
    exchange: &'a enginehouse_core::request::Exchange,
    exchanged: Exchanged,
}

impl<'a> Exchanges<'a> {
    /// Reads the engines and refuses exchanges of older epochs, before any part of them is carried out.
    async fn checked(
        tx: &mut dyn Transaction,
        commands: &[&'a Command],
        answers: &mut Answers,
    ) -> Result<Self, StoreError> {
        let mut asked = Vec::new();
        for (place, command) in commands.iter().enumerate() {
            if let Command::Exchange { engine_id, epoch, exchange } = command {
                asked.push((place, engine_id, *epoch, exchange));
            }
        }
        let mut ids: Vec<_> = asked.iter().map(|(_, engine_id, ..)| (*engine_id).clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut engines = HashMap::new();
        if !ids.is_empty() {
            engines.extend(tx.engines_by_id(&ids).await?.into_iter().map(|engine| (engine.engine_id.clone(), engine)));
        }
        let mut of = Vec::with_capacity(asked.len());
        for (place, engine_id, epoch, exchange) in asked {
            let claims_only = exchange.claim.is_some() && exchange.heartbeat.is_none();
            match refusal(engines.get(engine_id), engine_id, epoch, claims_only) {
                Some(refused) => answers[place] = Some(Err(refused)),
                None => of.push(ExchangeOf { place, engine_id, exchange, exchanged: Exchanged::default() }),
            }
        }
        Ok(Self { engines, of })
    }

    /// Settles what the exchanges and the other commands of the batch settle, as one set.
    async fn settle(
        &mut self,
        tx: &mut dyn Transaction,
        commands: &[&Command],
        answers: &mut Answers,
        working: &mut Working,
        batch: &mut Batch<'_>,
    ) -> Result<(), StoreError> {
        let mut settlements: Vec<_> = self.of.iter().flat_map(|of| &of.exchange.settlements).collect();
        settlements.extend(
            commands
                .iter()
                .filter_map(|command| match command {
                    Command::Settle(settlements) => Some(settlements),
                    _ => None,
                })
                .flatten(),
        );
        if settlements.is_empty() {
            // A batch of none is answered like any other.
            for (place, command) in commands.iter().enumerate() {
                if let Command::Settle(_) = command {
                    answers[place] = Some(Ok(Answer::Settled(Vec::new())));
                }
            }
            return Ok(());
        }
        let mut settled = settle::settle(tx, &settlements, working, batch).await?.into_iter();
        let mut shown = Vec::new();
        for of in &mut self.of {
            of.exchanged.settlements = settled.by_ref().take(of.exchange.settlements.len()).collect();
        }
        for (place, command) in commands.iter().enumerate() {
            if let Command::Settle(settlements) = command {
                let own: Vec<_> = settled.by_ref().take(settlements.len()).collect();
                if let [Ok(alone)] = &own[..] {
                    shown.push((place, alone.event.event_id));
                }
                answers[place] = Some(Ok(Answer::Settled(own)));
            }
        }
        show_payloads(tx, &shown, answers).await
    }

    async fn heartbeat(
        &mut self,
        tx: &mut dyn Transaction,
        working: &mut Working,
        batch: &mut Batch<'_>,
    ) -> Result<(), StoreError> {
        let heartbeats: Vec<_> = self
            .of
            .iter()
            .filter_map(|of| of.exchange.heartbeat.as_ref().map(|heartbeat| (of.engine_id.clone(), heartbeat)))
            .collect();
        if heartbeats.is_empty() {
            return Ok(());
        }
        let mut heard = heartbeat(tx, &heartbeats, &mut self.engines, working, batch).await?.into_iter();
        for of in self.of.iter_mut().filter(|of| of.exchange.heartbeat.is_some()) {
            of.exchanged.heartbeat = heard.next();
        }
        Ok(())
    }

    /// Gives events to the waiting claims that are woken, oldest first, then to the claims of the batch. Answers the waiting
    /// claims that have an answer now, and the places of claims that have found nothing and are to wait.
    async fn claim(
        self,
        tx: &mut dyn Transaction,
        woken: &mut [Parked],
        answers: &mut Answers,
        working: &mut Working,
        batch: &mut Batch<'_>,
    ) -> Result<(Vec<(u64, Result<Answer, Refusal>)>, Vec<usize>), StoreError> {
        let mut woken_ids: Vec<_> = woken.iter().map(|parked| parked.engine_id.clone()).collect();
        woken_ids.sort_unstable();
        woken_ids.dedup();
        let mut engines = self.engines;
        if !woken_ids.is_empty() {
            // What heartbeats have changed above is written: it is read here.
            let free = tx.free_engines_by_id(&woken_ids).await?;
            engines.extend(free.into_iter().map(|engine| (engine.engine_id.clone(), engine)));
        }
        let (mut given, mut askers, mut claims) = (Vec::new(), Vec::new(), Vec::new());
        for parked in &mut *woken {
            let engine = engines.get(&parked.engine_id);
            parked.look_again = engine.is_none() && batch.registry.knows_engine(&parked.engine_id);
            if parked.look_again {
                // Another transaction is at work for the engine: this claim has its turn when that one has ended.
                continue;
            }
            if let Some(refused) = refusal(engine, &parked.engine_id, parked.epoch, true) {
                given.push((parked.number, Err(refused)));
            } else if let Some(engine) = engine {
                askers.push(Asker::Parked(parked.number));
                claims.push(ClaimOf { engine: engine.clone(), claim: &parked.claim });
            }
        }
        for of in &self.of {
            if let (Some(claim), Some(engine)) = (&of.exchange.claim, engines.get(of.engine_id)) {
                askers.push(Asker::Command(of.place));
                claims.push(ClaimOf { engine: engine.clone(), claim });
            }
        }
        let mut claimed: HashMap<_, _> = HashMap::new();
        if !claims.is_empty() {
            claimed.extend(askers.into_iter().zip(claim(tx, &claims, working, batch).await?));
        }
        for parked in &*woken {
            if let Some(events) = claimed.remove(&Asker::Parked(parked.number)).filter(|events| !events.is_empty()) {
                let exchanged = Exchanged { claimed: Some(events), ..parked.exchanged.clone() };
                given.push((parked.number, Ok(Answer::Exchanged(exchanged))));
            }
        }
        let mut waits = Vec::new();
        for ExchangeOf { place, exchange, mut exchanged, .. } in self.of {
            exchanged.claimed = claimed.remove(&Asker::Command(place));
            let found = exchanged.claimed.as_ref().is_some_and(|events| !events.is_empty());
            if !found && exchange.claim.as_ref().is_some_and(|claim| !claim.wait.is_zero()) {
                waits.push(place);
            }
            answers[place] = Some(Ok(Answer::Exchanged(exchanged)));
        }
        if !waits.is_empty() && !batch.report.due.ready_known {
            batch.report.due.ready = tx.next_ready_at(&batch.registry.lanes()).await?;
            batch.report.due.ready_known = true;
        }
        Ok((given, waits))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Asker {
    /// A waiting claim, by its number.
    Parked(u64),
    /// A command of the batch, by its place.
    Command(usize),
}

/// Why an engine is refused as a whole; none if it is not. A lost one may speak up, but not claim before it has.
fn refusal(engine: Option<&Engine>, engine_id: &EngineId, epoch: i64, claims_only: bool) -> Option<Refusal> {
    let engine_id = engine_id.clone();
    let Some(engine) = engine else { return Some(Refusal::EngineNotRegistered(engine_id)) };
    if engine.epoch != epoch {
        return Some(Refusal::EngineSuperseded { engine_id, epoch, current: engine.epoch });
    }
    match engine.status {
        EngineStatus::Stopped => Some(Refusal::EngineNotRegistered(engine_id)),
        EngineStatus::Lost if claims_only => Some(Refusal::EngineLost(engine_id)),
        _ => None,
    }
}
