//! Every kind of request, each with its typed reply.

use enginehouse_core::access::session::SessionProof;
use enginehouse_core::event::NewEvent;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::{Exchange, SettleCommand};

use super::answers::{Enqueued, ExchangeProgress, SettleResult};
use super::operation::PendingOperation;
use super::reply::Reply;

/// What a caller asks for, and the way back to it. Each request is carried out as a whole, or not at all.
///
/// The first three come by the thousand: a batch carries out all of a kind as one set.
pub(super) enum Request {
    /// A producer adds events: all or none.
    Enqueue(Vec<NewEvent>, Reply<Vec<Enqueued>>),
    /// Settle locks, each with its own answer.
    Settle(Vec<SettleCommand>, Reply<Vec<SettleResult>>),
    /// An engine settles, sends a heartbeat and claims.
    Exchange(Box<EngineExchange>, Reply<ExchangeProgress>),
    /// Look at what has fallen due.
    Sweep(Reply<()>),
    /// Anything else.
    Operation(Box<dyn PendingOperation>),
}

/// An exchange, and the engine that asks for it.
#[derive(Clone, Debug)]
pub(super) struct EngineExchange {
    pub(super) engine_id: EngineId,
    /// The epoch that the engine believes to be in.
    pub(super) epoch: i64,
    /// What proves that it is the process of the engine.
    pub(super) session: SessionProof,
    pub(super) exchange: Exchange,
}

impl EngineExchange {
    /// How many events it names or claims.
    pub(super) fn weight(&self) -> usize {
        let Exchange { settlements, claim, .. } = &self.exchange;
        settlements.len() + claim.as_ref().map_or(0, |claim| claim.limit as usize)
    }
}

impl Request {
    /// How many events it names or may change. A batch has room for a limited number.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Enqueue(events, _) => events.len(),
            Self::Settle(settlements, _) => settlements.len(),
            Self::Exchange(exchange, _) => exchange.weight(),
            Self::Sweep(_) => 1,
            Self::Operation(operation) => operation.max_events(),
        }
    }

    /// Whether an engine asks for it: those never wait behind anybody else's.
    pub(super) fn is_of_an_engine(&self) -> bool {
        matches!(self, Self::Settle(..) | Self::Exchange(..))
    }

    /// How much of the inbox must be free for this request to be accepted, in percent.
    ///
    /// Saturation must not make locks expire. So enqueues are refused first, then claims and bulk operations. Heartbeats
    /// and settles are accepted as long as there is any room.
    pub(super) fn reserve_percent(&self) -> usize {
        match self {
            Self::Enqueue(..) => 50,
            Self::Exchange(request, _) => {
                let claims_only = request.exchange.settlements.is_empty() && request.exchange.heartbeat.is_none();
                if claims_only { 25 } else { 0 }
            }
            Self::Operation(operation) if operation.max_events() > 1 => 25,
            Self::Settle(..) | Self::Sweep(_) | Self::Operation(_) => 0,
        }
    }
}
