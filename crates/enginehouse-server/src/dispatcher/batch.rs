//! The requests of one transaction, sorted by kind.
//!
//! They were all waiting at the same time, so any order of them is a right one. Sorted, each kind is carried out as
//! one set, in a constant number of statements.

use std::time::Duration;

use enginehouse_core::event::NewEvent;
use enginehouse_core::request::SettleCommand;
use enginehouse_store::StoreError;

use super::answers::{Enqueued, Exchanged, SettleResult};
use super::operation::PendingOperation;
use super::reply::{DispatchError, Refusal, Reply};
use super::request::{EngineExchange, Request};
use super::wait_queue::Occupancy;

/// The requests of one transaction.
#[derive(Default)]
pub(super) struct RequestBatch {
    pub(super) operations: Vec<Box<dyn PendingOperation>>,
    pub(super) enqueues: Calls<Vec<NewEvent>, Vec<Enqueued>>,
    pub(super) settles: Calls<Vec<SettleCommand>, Vec<SettleResult>>,
    pub(super) exchanges: Calls<EngineExchange, Exchanged, ExchangeOutcome>,
    pub(super) sweeps: Vec<Reply<()>>,
}

/// What became of an exchange.
#[derive(Debug)]
pub(super) enum ExchangeOutcome {
    Answered(Exchanged),
    /// Its claim has found nothing, and may wait for events.
    Waits {
        exchanged: Exchanged,
        occupancy: Occupancy,
        /// How often its engine sends a heartbeat: so often, the claim is a sign of its life.
        heartbeat_interval: Duration,
    },
}

/// Requests of one kind, who waits for them, and, once they were carried out, their answers: all in the same order.
pub(super) struct Calls<Q, T, A = T> {
    pub(super) requests: Vec<Q>,
    pub(super) replies: Vec<Reply<T>>,
    pub(super) answers: Vec<Result<A, Refusal>>,
}

impl RequestBatch {
    pub(super) fn add(&mut self, request: Request) {
        match request {
            Request::Enqueue(events, reply) => self.enqueues.push(events, reply),
            Request::Settle(settlements, reply) => self.settles.push(settlements, reply),
            Request::Exchange(exchange, reply) => self.exchanges.push(*exchange, reply),
            Request::Sweep(reply) => self.sweeps.push(reply),
            Request::Operation(operation) => self.operations.push(operation),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.operations.len()
            + self.enqueues.replies.len()
            + self.settles.replies.len()
            + self.exchanges.replies.len()
            + self.sweeps.len()
    }

    /// A batch for each request.
    pub(super) fn into_singles(self) -> Vec<Self> {
        let operations = self.operations.into_iter().map(|one| Self { operations: vec![one], ..Self::default() });
        let enqueues = self.enqueues.into_singles().map(|enqueues| Self { enqueues, ..Self::default() });
        let settles = self.settles.into_singles().map(|settles| Self { settles, ..Self::default() });
        let exchanges = self.exchanges.into_singles().map(|exchanges| Self { exchanges, ..Self::default() });
        let sweeps = self.sweeps.into_iter().map(|one| Self { sweeps: vec![one], ..Self::default() });
        operations.chain(enqueues).chain(settles).chain(exchanges).chain(sweeps).collect()
    }

    /// Answers every caller: the transaction has failed.
    pub(super) fn fail(self, error: &StoreError) {
        let error = DispatchError::from(error.clone());
        self.operations.into_iter().for_each(|operation| operation.fail(error.clone()));
        self.enqueues.fail(&error);
        self.settles.fail(&error);
        self.exchanges.fail(&error);
        for reply in self.sweeps {
            reply.send(Err(error.clone()));
        }
    }
}

impl<Q, T, A> Calls<Q, T, A> {
    fn push(&mut self, request: Q, reply: Reply<T>) {
        self.requests.push(request);
        self.replies.push(reply);
    }

    fn into_singles(self) -> impl Iterator<Item = Self> {
        self.requests.into_iter().zip(self.replies).map(|(request, reply)| Self {
            requests: vec![request],
            replies: vec![reply],
            answers: Vec::new(),
        })
    }

    fn fail(self, error: &DispatchError) {
        for reply in self.replies {
            reply.send(Err(error.clone()));
        }
    }
}

impl<Q, T> Calls<Q, T> {
    /// Answers every caller: the transaction has committed.
    pub(super) fn answer(self) {
        for (reply, answer) in self.replies.into_iter().zip(self.answers) {
            reply.send(answer.map_err(DispatchError::from));
        }
    }
}

impl<Q, T, A> Default for Calls<Q, T, A> {
    fn default() -> Self {
        Self { requests: Vec::new(), replies: Vec::new(), answers: Vec::new() }
    }
}
