//! The requests of one transaction, sorted by kind.
//!
//! They were all waiting at the same time, so any order of them is a right one. Sorted, each kind is carried out as
//! one set, in a constant number of statements.

use std::collections::HashSet;
use std::time::Duration;

use enginehouse_core::event::NewEvent;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::request::SettleCommand;
use enginehouse_store::{FirstReads, StoreError};

use super::answers::{Enqueued, ExchangeProgress, Exchanged, SettleResult};
use super::contention::{HeldResources, Resource};
use super::operation::PendingOperation;
use super::reply::{DispatchError, Refusal, Reply};
use super::request::{EngineExchange, Request};
use super::wait_queue::EngineRoom;

/// The requests of one transaction.
#[derive(Default)]
pub(super) struct RequestBatch {
    pub(super) operations: Vec<Box<dyn PendingOperation>>,
    pub(super) enqueues: Calls<Vec<NewEvent>, Vec<Enqueued>>,
    pub(super) settles: Calls<Vec<SettleCommand>, Vec<SettleResult>>,
    pub(super) exchanges: Calls<EngineExchange, ExchangeProgress, ExchangeOutcome>,
    pub(super) sweeps: Vec<Reply<()>>,
}

/// Whose requests a batch carries out, where several batches are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchClass {
    /// Those of engines, who must not wait for what anybody else waits for.
    Engines,
    /// Everybody else's, and sweeps.
    Others,
    /// Requests that were set aside.
    SetAside,
}

/// What became of an exchange.
#[derive(Debug)]
pub(super) enum ExchangeOutcome {
    Answered(Exchanged),
    /// Its claim has found nothing, and may wait for events.
    Waits {
        exchanged: Exchanged,
        room: EngineRoom,
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

    /// How many events its requests name or may change.
    pub(super) fn weight(&self) -> usize {
        let of_operations: usize = self.operations.iter().map(|operation| operation.max_events()).sum();
        let of_enqueues: usize = self.enqueues.requests.iter().map(Vec::len).sum();
        let of_settles: usize = self.settles.requests.iter().map(Vec::len).sum();
        let of_exchanges: usize = self.exchanges.requests.iter().map(EngineExchange::weight).sum();
        of_operations + of_enqueues + of_settles + of_exchanges + self.sweeps.len()
    }

    /// All that exchanges and settles say of single events.
    pub(super) fn settlements(&self) -> impl Iterator<Item = &SettleCommand> {
        let of_exchanges = self.exchanges.requests.iter().flat_map(|request| &request.exchange.settlements);
        of_exchanges.chain(self.settles.requests.iter().flatten())
    }

    /// What the exchanges and settles read before anything is written, if nothing else of the batch comes before them.
    pub(super) fn first_reads(&self, contended: &HashSet<EventId>) -> FirstReads {
        if !self.operations.is_empty() || !self.enqueues.requests.is_empty() {
            return FirstReads::default();
        }
        FirstReads {
            engines: distinct(self.exchanges.requests.iter().map(|request| &request.engine_id)),
            events: to_settle(self.settlements(), contended).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One batch of many.
    pub(super) fn merged(batches: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for mut batch in batches {
            all.operations.append(&mut batch.operations);
            all.enqueues.append(batch.enqueues);
            all.settles.append(batch.settles);
            all.exchanges.append(batch.exchanges);
            all.sweeps.append(&mut batch.sweeps);
        }
        all
    }

    /// The requests of each kind; or two halves, if they are of one kind. One that fails is found by splitting again and
    /// again, while most of the others are carried out with the first split.
    pub(super) fn split(self) -> Vec<Self> {
        let Self { operations, enqueues, settles, exchanges, sweeps } = self;
        let mut kinds = vec![
            Self { operations, ..Self::default() },
            Self { enqueues, ..Self::default() },
            Self { settles, ..Self::default() },
            Self { exchanges, ..Self::default() },
            Self { sweeps, ..Self::default() },
        ];
        // Engines come first.
        kinds.reverse();
        kinds.retain(|kind| !kind.is_empty());
        if kinds.len() > 1 {
            return kinds;
        }
        let mut singles = Self::merged(kinds).into_singles();
        let half = singles.split_off(singles.len() / 2);
        [singles, half].map(Self::merged).into_iter().filter(|half| !half.is_empty()).collect()
    }

    /// Splits off the requests that need something held, each by itself.
    pub(super) fn split_off_held(self, held: &HeldResources) -> (Self, Vec<Self>) {
        if held.is_empty() {
            return (self, Vec::new());
        }
        let (suspects, free): (Vec<_>, Vec<_>) = self
            .into_singles()
            .into_iter()
            .partition(|single| single.resources().iter().any(|resource| held.contains(resource)));
        (Self::merged(free), suspects)
    }

    /// Whether each of its settlements may be refused by itself, and nothing else of it concerns an event.
    pub(super) fn settles_only_some(&self) -> bool {
        self.operations.is_empty() && self.enqueues.replies.is_empty()
    }

    /// The engines that it hears.
    pub(super) fn engines(&self) -> impl Iterator<Item = &EngineId> {
        self.exchanges.requests.iter().map(|request| &request.engine_id)
    }

    /// What the requests name that somebody else may hold.
    pub(super) fn resources(&self) -> Vec<Resource> {
        let mut named = Vec::new();
        named.extend(self.operations.iter().filter_map(|operation| operation.resource()));
        for event in self.enqueues.requests.iter().flatten() {
            named.push(Resource::Lane(event.lane.clone()));
            named.extend(event.idempotency_key.clone().map(Resource::IdempotencyKey));
        }
        let settlements = self.settles.requests.iter().flatten();
        let of_exchanges = self.exchanges.requests.iter().flat_map(|request| &request.exchange.settlements);
        named.extend(settlements.chain(of_exchanges).map(|settlement| Resource::Event(settlement.event_id)));
        named.extend(self.exchanges.requests.iter().map(|request| Resource::Engine(request.engine_id.clone())));
        named
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

    fn append(&mut self, mut other: Self) {
        self.requests.append(&mut other.requests);
        self.replies.append(&mut other.replies);
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

/// Each of these engines once, in the order in which all lock them.
pub(super) fn distinct<'a>(ids: impl Iterator<Item = &'a EngineId>) -> Vec<EngineId> {
    let mut ids: Vec<_> = ids.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The events that settlements are about, each once, but those that somebody holds.
pub(super) fn to_settle<'a>(
    settlements: impl Iterator<Item = &'a SettleCommand>,
    contended: &HashSet<EventId>,
) -> impl Iterator<Item = EventId> {
    let mut asked = HashSet::new();
    settlements.map(|settlement| settlement.event_id).filter(move |id| !contended.contains(id) && asked.insert(*id))
}
