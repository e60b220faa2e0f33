//! What requests and answers may hold at once, control apart from bulk.
//!
//! **Control** is what keeps a fleet alive: heartbeats, claims, settles, exchanges, and the calls of operators that change
//! something. **Bulk** is what can be had in any amount: events that are enqueued, and everything that is only read. Neither
//! takes room of the other, and of each an address and a token have their shares (`budget`). The first bytes of a body and of an answer are
//! free, for a connection costs as much anyway: so small calls are never refused, whatever large ones do.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::Method;

use super::limits::Limits;
use crate::access::quotas::{QuotaExceeded, QuotaGuard, TokenUsage};
use crate::budget::{Budget, ClientAddress, NoRoom, Share, ShareOwner};
use crate::peer::Peer;
use crate::telemetry::Metrics;
use crate::trusted_proxies::TrustedProxies;

/// How many bytes of a body or an answer take no room.
pub(super) const FREE_BYTES: usize = 16 * 1024;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    Control,
    /// Bulk that comes in.
    Enqueue,
    /// Bulk that goes out. Nothing is lost when it is refused after all.
    Read,
}

impl Traffic {
    /// `route` is the path as the router has it, without ids.
    pub(super) fn of(method: &Method, route: &str) -> Self {
        match (method, route) {
            // What an operator looks at when all else is refused.
            (_, "/metrics") => Self::Control,
            (&Method::GET | &Method::HEAD, _) => Self::Read,
            (&Method::POST, "/v1/events" | "/v1/events/batch") => Self::Enqueue,
            _ => Self::Control,
        }
    }
}

/// Who makes a call, and what for: an extension of every request.
#[derive(Clone, Debug)]
pub(super) struct CallOrigin {
    /// Its address; none stands for a Unix socket.
    pub(super) ip: Option<IpAddr>,
    pub(super) traffic: Traffic,
    /// What the calls of its token take; none without a token.
    pub(super) token: Option<Arc<TokenUsage>>,
}

impl CallOrigin {
    pub(super) fn of(request: &Request, route: &str, proxies: &TrustedProxies) -> Self {
        let peer = request.extensions().get().unwrap_or(&Peer::LOCAL);
        let ip = proxies.client(peer.ip, request.headers());
        Self { ip, traffic: Traffic::of(request.method(), route), token: None }
    }

    /// Whose share it takes.
    pub(super) fn address(&self) -> ClientAddress {
        self.ip.into()
    }

    fn owner(&self) -> ShareOwner {
        ShareOwner { address: self.address(), token: self.token.clone() }
    }

    /// Lets the call go on, within the share of its token.
    pub(super) fn begin(&self) -> Result<Option<QuotaGuard>, QuotaExceeded> {
        let Some(token) = &self.token else { return Ok(None) };
        token.count_request();
        if self.traffic == Traffic::Control { Ok(None) } else { token.begin_bulk_call().map(Some) }
    }

    /// Lets so many events be enqueued, within the share of its token.
    pub(super) fn begin_enqueue(&self, events: usize) -> Result<Option<QuotaGuard>, QuotaExceeded> {
        self.token.as_ref().map(|token| token.begin_enqueue(events)).transpose()
    }

    /// Lets a claim wait, within the share of its token.
    pub(super) fn begin_wait(&self) -> Result<Option<QuotaGuard>, QuotaExceeded> {
        self.token.as_ref().map(TokenUsage::begin_wait).transpose()
    }
}

/// The budgets of all calls.
pub(crate) struct Budgets {
    control_bodies: Arc<Budget>,
    bulk_bodies: Arc<Budget>,
    control_answers: Arc<Budget>,
    bulk_answers: Arc<Budget>,
    streams: Arc<Budget>,
}

impl Budgets {
    pub(super) fn new(limits: &Limits, metrics: &Metrics) -> Self {
        let budget = |name, what, setting, max| Budget::new(name, what, setting, max, metrics.of_budget(name));
        let (control, bulk) = (limits.max_control_bytes, limits.max_bulk_bytes);
        Self {
            control_bodies: budget("control_bodies", "bytes of bodies of control calls", "max_control_mb", control),
            bulk_bodies: budget("bulk_bodies", "bytes of bodies of bulk calls", "max_bulk_mb", bulk),
            control_answers: budget("control_answers", "bytes of answers to claims", "max_control_mb", control),
            bulk_answers: budget("bulk_answers", "bytes of answers to bulk calls", "max_bulk_mb", bulk),
            streams: budget("streams", "streams of lines", "max_streams", limits.max_streams),
        }
    }

    /// A place for a stream of lines.
    pub(super) fn stream(&self, caller: &CallOrigin) -> Result<Share, NoRoom> {
        self.streams.take(caller.owner(), 1)
    }

    /// Room for a body that has yet to arrive.
    pub(super) fn body(&self, caller: &CallOrigin, max_small: usize) -> BodyRoom {
        let small = match caller.traffic {
            Traffic::Control => self.control_bodies.none(caller.owner()),
            Traffic::Enqueue | Traffic::Read => self.bulk_bodies.none(caller.owner()),
        };
        BodyRoom { small, large: self.bulk_bodies.none(caller.owner()), max_small }
    }

    fn answers(&self, traffic: Traffic) -> &Arc<Budget> {
        match traffic {
            Traffic::Control => &self.control_answers,
            Traffic::Enqueue | Traffic::Read => &self.bulk_answers,
        }
    }

    /// Refuses a call that may answer at length, as long as its address has its share of answers under way.
    pub(super) fn admit(&self, caller: &CallOrigin) -> Result<(), NoRoom> {
        self.answers(caller.traffic).check(&caller.owner(), 1)
    }

    /// Room for an answer, which grows with it.
    pub(super) fn answer(&self, caller: &CallOrigin) -> AnswerRoom {
        AnswerRoom { share: self.answers(caller.traffic).none(caller.owner()), bytes: 0 }
    }
}

/// The room that one answer takes until its last byte has left the process.
#[derive(Debug)]
pub(super) struct AnswerRoom {
    share: Share,
    bytes: usize,
}

impl AnswerRoom {
    /// Takes room for so many bytes more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        self.share.resize(paid(self.bytes + bytes))?;
        self.bytes += bytes;
        Ok(())
    }

    /// Takes room for so many bytes in all, whatever is left: what has been carried out has to be told.
    pub(super) fn resize_anyway(&mut self, bytes: usize) {
        self.share.resize_anyway(paid(bytes));
        self.bytes = bytes;
    }
}

/// What so many bytes take of a budget.
fn paid(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

/// The room that one body takes: for as many bytes as have arrived, and not for what was announced.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    small: Share,
    /// What goes beyond the size of a usual body is bulk, whatever the call: many settlements, for example.
    large: Share,
    max_small: usize,
}

impl BodyRoom {
    /// Holds room for so many bytes from now on.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let small = bytes.min(self.max_small);
        self.small.resize(paid(small))?;
        self.large.resize(bytes - small)
    }
}
