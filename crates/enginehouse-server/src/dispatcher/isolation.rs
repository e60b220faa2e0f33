//! Keeps apart who needs what somebody else holds, and who does not.
//!
//! A batch waits only for a moment for a lock. If it does not get it, it has changed nothing, and is carried out again in parts:
//! without the requests that name a row which is known to be held, then split again and again. Requests that fail alone are set
//! aside: they are tried again by themselves, round after round, on a connection of their own, and refused in the end. So
//! whoever needs nothing of what is held waits for one short timeout at most.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_store::{HeldResource, StoreError};

use super::batch::RequestBatch;
use super::contention::Resource;
use super::set_aside::SetAside;
use super::transaction::{
    BatchStart, FinishedBatch, FinishedTransaction, Scope, TransactionWorker, finished, may_be_one_requests_fault,
};
use super::wait_queue::TakenPoll;
use crate::timers::Timer;

/// How long the parts of one batch are tried. What is left then is set aside.
const TIME_FOR_PARTS: Duration = Duration::from_millis(250);

/// What has become of the parts of a batch.
#[derive(Default)]
pub(super) struct BatchParts {
    pub(super) transactions: Vec<FinishedTransaction>,
    /// Requests that need what somebody holds, each by itself.
    pub(super) held: Vec<RequestBatch>,
}

impl TransactionWorker {
    /// Carries out a batch in parts, after it has met something that somebody holds.
    pub(super) async fn isolate(
        &mut self,
        batch: RequestBatch,
        what: HeldResource,
        start: &BatchStart,
        woken: &mut Vec<TakenPoll>,
    ) -> BatchParts {
        if batch.len() == 1 {
            self.learn(&batch, what);
            return BatchParts { held: vec![batch], ..BatchParts::default() };
        }
        let rows = self.contended_rows(&batch.resources()).await;
        self.held.add(rows);
        let (free, held) = batch.split_off_held(&self.held);
        // If no request names what is held, the parts show which one needs it.
        let parts = if held.is_empty() { free.split().into() } else { VecDeque::from([free]) };
        let mut parts = self.carry_out_parts(parts, start, woken).await;
        parts.held.extend(held);
        parts
    }

    /// Carries out parts, and splits those that meet something held.
    async fn carry_out_parts(
        &mut self,
        mut parts: VecDeque<RequestBatch>,
        start: &BatchStart,
        woken: &mut Vec<TakenPoll>,
    ) -> BatchParts {
        let began = Timer::now();
        let mut done = BatchParts::default();
        let nothing = HashSet::new();
        while let Some(part) = parts.pop_front() {
            let is_alone = part.len() == 1;
            // What failed alone a moment ago is not tried again for others that need the same.
            let (mut part, suspects) = if is_alone { (part, Vec::new()) } else { part.split_off_held(&self.held) };
            done.held.extend(suspects);
            if part.is_empty() {
                continue;
            }
            if began.elapsed() > TIME_FOR_PARTS {
                done.held.extend(part.into_singles());
                continue;
            }
            let started_at = Timer::now();
            match self.transact(&mut part, start, Scope::requests_only(&nothing), woken).await {
                Err(StoreError::Held { what, .. }) if part.len() == 1 => {
                    self.learn(&part, what);
                    done.held.push(part);
                }
                Err(StoreError::Held { .. }) => parts.extend(part.split()),
                Err(error) if part.len() > 1 && may_be_one_requests_fault(&error) => parts.extend(part.into_singles()),
                result => {
                    if result.is_ok() {
                        self.held.remove(&part.resources());
                    }
                    done.transactions.push(finished(part, result, woken, started_at.elapsed()));
                }
            }
        }
        done
    }

    /// Remembers what a request that failed alone was waiting for, if that is certain.
    fn learn(&self, request: &RequestBatch, what: HeldResource) {
        let is_it = |resource: &Resource| match (what, resource) {
            (HeldResource::NewLane, Resource::Lane(key)) => !self.registry.has_lane(key),
            (HeldResource::IdempotencyKey, Resource::IdempotencyKey(_)) => true,
            _ => false,
        };
        self.held.add(request.resources().into_iter().filter(is_it));
    }

    /// Which of the rows that requests name others have locked.
    async fn contended_rows(&mut self, resources: &[Resource]) -> Vec<Resource> {
        let (mut engines, mut events) = (HashSet::new(), HashSet::new());
        for resource in resources {
            match resource {
                Resource::Engine(engine_id) => drop(engines.insert(engine_id.clone())),
                Resource::Event(event_id) => drop(events.insert(*event_id)),
                Resource::IdempotencyKey(_) | Resource::Lane(_) => {}
            }
        }
        // If it cannot be found out, requests are told apart by trying them.
        let (engines, events): (Vec<_>, Vec<_>) = (engines.into_iter().collect(), events.into_iter().collect());
        let found = self.look_for_contention(&engines, &events).await;
        found.unwrap_or_else(|error| {
            tracing::debug!(%error, "what is held could not be found out");
            Vec::new()
        })
    }

    async fn look_for_contention(&self, engines: &[EngineId], events: &[EventId]) -> Result<Vec<Resource>, StoreError> {
        if engines.is_empty() && events.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.store.begin().await?;
        let mut found = Vec::new();
        if !engines.is_empty() {
            found.extend(transaction.contended_engines(engines).await?.into_iter().map(Resource::Engine));
        }
        if !events.is_empty() {
            found.extend(transaction.contended_events(events).await?.into_iter().map(Resource::Event));
        }
        transaction.commit().await?;
        Ok(found)
    }

    /// Sweeps kind by kind, after a sweep has met something held: what is due of the other kinds does not wait for it.
    pub(super) async fn sweep_by_kind(
        &mut self,
        start: &BatchStart,
        woken: &mut Vec<TakenPoll>,
    ) -> Vec<FinishedTransaction> {
        let nothing = HashSet::new();
        let mut transactions = Vec::new();
        for deadlines in start.deadlines.each_kind() {
            let (mut batch, started_at) = (RequestBatch::default(), Timer::now());
            let scope = Scope { sweeps: true, deadlines, ..Scope::requests_only(&nothing) };
            let result = self.transact(&mut batch, start, scope, woken).await;
            transactions.push(finished(batch, result, woken, started_at.elapsed()));
        }
        transactions
    }

    /// Carries out a round of requests that were set aside.
    pub(super) async fn run_round(mut self, round: Vec<SetAside>, start: BatchStart) -> FinishedBatch {
        let (last, round): (Vec<_>, Vec<_>) = round.into_iter().partition(SetAside::is_last_round);
        let mut woken = Vec::new();
        let mut transactions = Vec::new();
        transactions.extend(self.make_good(&start, &mut woken).await);
        let resources: Vec<_> = round.iter().chain(&last).flat_map(|request| request.batch.resources()).collect();
        let rows = self.contended_rows(&resources).await;
        let contended: HashSet<_> = rows.iter().cloned().collect();
        let is_row = |resource: &&Resource| matches!(resource, Resource::Engine(_) | Resource::Event(_));
        self.held.remove(resources.iter().filter(is_row).filter(|resource| !contended.contains(resource)));
        self.held.add(rows);
        // Of all that need the same key or lane, one finds out whether it is free; the others have their turn in the next round.
        let mut asked = HashSet::new();
        let (mut together, mut alone, mut set_aside) = (Vec::new(), VecDeque::new(), Vec::new());
        let mut last_ones = Vec::new();
        let all =
            round.into_iter().map(|request| (request, false)).chain(last.into_iter().map(|request| (request, true)));
        for (request, is_last) in all {
            let needs = request.batch.resources();
            let needs_row = needs.iter().any(|resource| contended.contains(resource));
            let suspects: Vec<_> = needs.into_iter().filter(|resource| self.held.contains(resource)).collect();
            if is_last {
                last_ones.push(request);
            } else if needs_row || suspects.iter().any(|suspect| asked.contains(suspect)) {
                set_aside.push(request);
            } else if suspects.is_empty() {
                together.push(request);
            } else {
                asked.extend(suspects);
                alone.push_back(request);
            }
        }
        for part in [together].into_iter().chain(alone.into_iter().map(|request| vec![request])) {
            let (ages, batches): (Vec<_>, Vec<_>) = part.into_iter().map(SetAside::into_parts).unzip();
            let Some(oldest) = ages.into_iter().min() else { continue };
            let parts = self.carry_out_parts(VecDeque::from([RequestBatch::merged(batches)]), &start, &mut woken).await;
            transactions.extend(parts.transactions);
            set_aside.extend(parts.held.into_iter().map(|batch| SetAside::since(batch, oldest)));
        }
        self.answer_last(last_ones, &contended, &start, &mut woken, &mut transactions).await;
        FinishedBatch { worker: self, start, transactions, unanswered: woken, set_aside }
    }

    /// Carries out for the last time what was set aside for long: what of it is free, and a refusal for the rest.
    async fn answer_last(
        &mut self,
        requests: Vec<SetAside>,
        contended: &HashSet<Resource>,
        start: &BatchStart,
        woken: &mut Vec<TakenPoll>,
        transactions: &mut Vec<FinishedTransaction>,
    ) {
        let began = Timer::now();
        let events = contended.iter().filter_map(|resource| match resource {
            Resource::Event(event_id) => Some(*event_id),
            _ => None,
        });
        let events: HashSet<_> = events.collect();
        for request in requests {
            let (_, mut batch) = request.into_parts();
            let needs_more = batch.resources().iter().any(|resource| match resource {
                // Its settlements are answered one by one.
                Resource::Event(event_id) => !batch.settles_only_some() && events.contains(event_id),
                other => contended.contains(other) || self.held.contains(other),
            });
            let started_at = Timer::now();
            let result = match needs_more || began.elapsed() > TIME_FOR_PARTS {
                true => Err(StoreError::Held {
                    what: HeldResource::Rows,
                    reason: "somebody has held it for longer than this server waits".to_owned(),
                }),
                false => self.transact(&mut batch, start, Scope::requests_only(&events), woken).await,
            };
            if result.is_err() {
                batch.engines().for_each(|engine_id| self.held.add_unheard(engine_id.clone()));
            }
            transactions.push(finished(batch, result, woken, started_at.elapsed()));
        }
    }

    /// Gives engines more time whose signs of life were refused.
    async fn make_good(&mut self, start: &BatchStart, woken: &mut Vec<TakenPoll>) -> Option<FinishedTransaction> {
        let unheard = self.held.unheard();
        if unheard.is_empty() {
            return None;
        }
        let (mut batch, started_at, nothing) = (RequestBatch::default(), Timer::now(), HashSet::new());
        let scope = Scope { unheard: &unheard, ..Scope::requests_only(&nothing) };
        let result = self.transact(&mut batch, start, scope, woken).await;
        let committed = match result {
            Ok(committed) => committed,
            Err(error) => {
                tracing::debug!(%error, "engines that could not be heard are not given more time yet");
                return None;
            }
        };
        self.held.remove_unheard(&committed.effects.made_good);
        Some(finished(batch, Ok(committed), woken, started_at.elapsed()))
    }
}
