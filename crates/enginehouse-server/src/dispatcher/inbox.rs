//! Requests on their way to the dispatcher's thread, gathered into batches.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::batch::RequestBatch;
use super::request::Request;

/// Most requests of one transaction.
const MAX_BATCH_REQUESTS: usize = 1_024;
/// Most events that the requests of one transaction name, unless one request alone names more.
const MAX_BATCH_EVENTS: usize = 10_000;

/// The requests that wait.
pub(super) struct Inbox {
    receiver: mpsc::Receiver<Request>,
    /// Requests that come before those of the receiver: one that did not fit into the batch before, and the dispatcher's
    /// own.
    held_over: VecDeque<Request>,
    /// Whether every caller has dropped its handle.
    has_no_callers: bool,
}

impl Inbox {
    pub(super) fn new(receiver: mpsc::Receiver<Request>) -> Self {
        Self { receiver, held_over: VecDeque::new(), has_no_callers: false }
    }

    /// Whether nobody can ask any more.
    pub(super) fn has_no_callers(&self) -> bool {
        self.has_no_callers
    }

    /// Whether a request waits, or may still come.
    pub(super) fn may_have_more(&self) -> bool {
        !self.has_no_callers || !self.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held_over.is_empty() && self.receiver.is_empty()
    }

    /// How many requests wait, the dispatcher's own aside.
    pub(super) fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Accepts no more requests. Those that were accepted are still carried out.
    pub(super) fn close(&mut self) {
        self.receiver.close();
    }

    /// Puts a request of the dispatcher's own before all others.
    pub(super) fn push_front(&mut self, request: Request) {
        self.held_over.push_front(request);
    }

    /// Waits for the next request; none once nobody can ask any more. Dropped while it waits, it has lost nothing.
    pub(super) async fn next(&mut self) -> Option<Request> {
        if let Some(request) = self.held_over.pop_front() {
            return Some(request);
        }
        let request = self.receiver.recv().await;
        self.has_no_callers = request.is_none();
        request
    }

    /// The next batch: the first request, and what else waits.
    pub(super) fn gather(&mut self, first: Request) -> RequestBatch {
        let mut batch = RequestBatch::default();
        let (mut requests, mut events) = (0, 0);
        let mut next = Some(first);
        while let Some(request) = next {
            events += request.weight();
            if requests > 0 && events > MAX_BATCH_EVENTS {
                self.held_over.push_front(request);
                break;
            }
            batch.add(request);
            requests += 1;
            if requests == MAX_BATCH_REQUESTS {
                break;
            }
            next = self.held_over.pop_front().or_else(|| self.receiver.try_recv().ok());
        }
        batch
    }
}
