//! Requests on their way to the dispatcher's thread, gathered into batches.
//!
//! Those of engines have a queue of their own. Where several batches are in flight, they are also gathered into batches of
//! their own, so that an engine never waits for what producers and operators wait for.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::batch::{BatchClass, RequestBatch};
use super::request::Request;

/// Most requests of one transaction.
const MAX_BATCH_REQUESTS: usize = 1_024;
/// Most events that the requests of one transaction name, unless one request alone names more.
const MAX_BATCH_EVENTS: usize = 10_000;

/// The ends into which callers put their requests.
#[derive(Clone)]
pub(super) struct RequestSenders {
    pub(super) of_engines: mpsc::Sender<Request>,
    pub(super) of_others: mpsc::Sender<Request>,
}

/// The requests that wait.
pub(super) struct Inbox {
    of_engines: RequestQueue,
    of_others: RequestQueue,
    /// Whether a batch has requests of one class only.
    separates: bool,
    /// Whether the last batch was of engines, and others have their turn: requests of both gather while a small batch is in
    /// flight, and engines that always have some would leave them none.
    others_come_first: bool,
}

/// The requests of one class.
struct RequestQueue {
    receiver: mpsc::Receiver<Request>,
    /// Requests that come before those of the receiver: one that did not fit into the batch before, and the dispatcher's
    /// own.
    held_over: VecDeque<Request>,
    /// Whether every caller has dropped its handle.
    has_no_callers: bool,
}

impl Inbox {
    /// An inbox for so many requests of each class.
    pub(super) fn channel(size: usize) -> (RequestSenders, Self) {
        let (of_engines, engines) = mpsc::channel(size);
        let (of_others, others) = mpsc::channel(size);
        let inbox = Self {
            of_engines: RequestQueue::new(engines),
            of_others: RequestQueue::new(others),
            separates: false,
            others_come_first: false,
        };
        (RequestSenders { of_engines, of_others }, inbox)
    }

    /// Keeps the classes apart from now on.
    pub(super) fn separate(&mut self) {
        self.separates = true;
    }

    /// Whether nobody can ask any more.
    pub(super) fn has_no_callers(&self) -> bool {
        self.of_engines.has_no_callers && self.of_others.has_no_callers
    }

    /// Whether a request waits, or may still come, of engines or also of others.
    pub(super) fn may_have_more(&self, of_others: bool) -> bool {
        self.of_engines.may_have_more() || of_others && self.of_others.may_have_more()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of_engines.is_empty() && self.of_others.is_empty()
    }

    /// How many requests wait, the dispatcher's own aside.
    pub(super) fn len(&self) -> usize {
        self.of_engines.receiver.len() + self.of_others.receiver.len()
    }

    /// Accepts no more requests. Those that were accepted are still carried out.
    pub(super) fn close(&mut self) {
        self.of_engines.receiver.close();
        self.of_others.receiver.close();
    }

    /// Puts a request of the dispatcher's own before all others.
    pub(super) fn push_front(&mut self, request: Request) {
        match request.is_of_an_engine() {
            true => self.of_engines.held_over.push_front(request),
            false => self.of_others.held_over.push_front(request),
        }
    }

    /// The next request that waits, of an engine or, if `of_others`, of anybody.
    pub(super) fn try_next(&mut self, of_others: bool) -> Option<Request> {
        let (engines, others) = (&mut self.of_engines, &mut self.of_others);
        match of_others {
            true if self.others_come_first => others.try_next().or_else(|| engines.try_next()),
            true => engines.try_next().or_else(|| others.try_next()),
            false => engines.try_next(),
        }
    }

    /// Waits for the next request, of an engine or, if `of_others`, of anybody; none once nobody of those can ask any more. Dropped
    /// while it waits, it has lost nothing.
    pub(super) async fn next(&mut self, of_others: bool) -> Option<Request> {
        if let Some(request) = self.try_next(of_others) {
            return Some(request);
        }
        let (engines, others) = (&mut self.of_engines, &mut self.of_others);
        tokio::select! {
            biased;
            request = engines.next(), if engines.may_have_more() => request,
            request = others.next(), if of_others && others.may_have_more() => request,
            else => None,
        }
    }

    /// The next batch: the first request, and what else waits.
    pub(super) fn gather(&mut self, first: Request) -> (RequestBatch, BatchClass) {
        let class = match self.separates && first.is_of_an_engine() {
            true => BatchClass::Engines,
            false => BatchClass::Others,
        };
        self.others_come_first = class == BatchClass::Engines;
        let mut batch = RequestBatch::default();
        let (mut requests, mut events) = (0, 0);
        let mut next = Some(first);
        while let Some(request) = next {
            events += request.weight();
            if requests > 0 && events > MAX_BATCH_EVENTS {
                self.push_front(request);
                break;
            }
            batch.add(request);
            requests += 1;
            if requests == MAX_BATCH_REQUESTS {
                break;
            }
            next = match (self.separates, class) {
                (true, BatchClass::Engines) => self.of_engines.try_next(),
                (true, _) => self.of_others.try_next(),
                (false, _) => self.of_engines.try_next().or_else(|| self.of_others.try_next()),
            };
        }
        (batch, class)
    }
}

impl RequestQueue {
    fn new(receiver: mpsc::Receiver<Request>) -> Self {
        Self { receiver, held_over: VecDeque::new(), has_no_callers: false }
    }

    fn may_have_more(&self) -> bool {
        !self.has_no_callers || !self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.held_over.is_empty() && self.receiver.is_empty()
    }

    fn try_next(&mut self) -> Option<Request> {
        self.held_over.pop_front().or_else(|| self.receiver.try_recv().ok())
    }

    async fn next(&mut self) -> Option<Request> {
        if let Some(request) = self.held_over.pop_front() {
            return Some(request);
        }
        let request = self.receiver.recv().await;
        self.has_no_callers = request.is_none();
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatcher::reply::Reply;

    #[tokio::test]
    async fn each_class_has_its_turn_while_both_have_requests() {
        let (senders, mut inbox) = Inbox::channel(10);
        inbox.separate();
        let mut taken = Vec::new();
        for of_others in [true, true, true, false, true] {
            // More of both come all the time.
            senders.of_engines.try_send(Request::Settle(Vec::new(), Reply::channel().0)).unwrap();
            senders.of_others.try_send(Request::Sweep(Reply::channel().0)).unwrap();
            let first = inbox.next(of_others).await.unwrap();
            taken.push(inbox.gather(first).1);
        }
        use BatchClass::{Engines, Others};
        assert_eq!(taken, [Engines, Others, Engines, Engines, Others]);
        let first = inbox.try_next(true).expect("what goes along has its turn, too");
        assert_eq!(inbox.gather(first).1, Engines);
        assert!(inbox.try_next(false).is_none(), "no engine asks");
    }
}
