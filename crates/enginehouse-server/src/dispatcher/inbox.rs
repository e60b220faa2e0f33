//! Requests on their way to the dispatcher's thread, gathered into batches.
//!
//! Those of engines have a queue of their own, with room of its own, which nothing else takes. The others wait by the token that
//! they were sent with, and tokens have their turns (`fair_queue`): so who sends many events keeps no other producer and no
//! operator waiting for all of them. Where several batches are in flight, they are also gathered into batches of
//! their own, so that an engine never waits for what producers and operators wait for.

use std::collections::VecDeque;
use std::sync::Arc;

use enginehouse_core::access::secret::Accessor;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::batch::{BatchClass, RequestBatch};
use super::fair_queue::FairQueue;
use super::reply::DispatchError;
use super::request::Request;

/// Most requests of one transaction.
const MAX_BATCH_REQUESTS: usize = 1_024;
/// Most events that the requests of one transaction name, unless one request alone names more.
const MAX_BATCH_EVENTS: usize = 10_000;

/// The token that a request was sent with; none for the server itself, and for everybody as long as there are no tokens.
pub(super) type RequestOwner = Option<Accessor>;

/// The ends into which callers put their requests.
#[derive(Clone)]
pub(super) struct RequestSenders {
    of_engines: mpsc::Sender<Request>,
    of_others: mpsc::UnboundedSender<OwnedRequest>,
    /// A permit for each request of others that may wait.
    slots: Arc<Semaphore>,
    size: usize,
}

/// A request of somebody else than an engine.
struct OwnedRequest {
    owner: RequestOwner,
    request: Request,
    slot: OwnedSemaphorePermit,
}

impl RequestSenders {
    /// Puts a request among those that wait.
    ///
    /// # Errors
    /// There is no room for more of its kind, or nobody carries out requests any more.
    pub(super) fn send(&self, owner: RequestOwner, request: Request) -> Result<(), DispatchError> {
        let reserve = self.size.saturating_mul(request.reserve_percent()) / 100;
        if request.is_of_an_engine() {
            if self.of_engines.capacity() < reserve {
                return Err(DispatchError::Overloaded);
            }
            return self.of_engines.try_send(request).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => DispatchError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => DispatchError::ShuttingDown,
            });
        }
        if self.slots.available_permits() < reserve {
            return Err(DispatchError::Overloaded);
        }
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| DispatchError::Overloaded)?;
        let owned = OwnedRequest { owner, request, slot };
        self.of_others.send(owned).map_err(|_| DispatchError::ShuttingDown)
    }
}

/// The requests that wait.
pub(super) struct Inbox {
    of_engines: RequestQueue<EngineArrivals>,
    of_others: RequestQueue<OtherArrivals>,
    /// Whether a batch has requests of one class only.
    separates: bool,
    /// Whether the last batch was of engines, and others have their turn: requests of both gather while a small batch is in
    /// flight, and engines that always have some would leave them none.
    others_come_first: bool,
}

/// The requests of one class.
struct RequestQueue<A> {
    arrivals: A,
    /// Requests that come before those that arrive: one that did not fit into the batch before, and the dispatcher's
    /// own.
    held_over: VecDeque<Request>,
    /// Whether every caller has dropped its handle.
    has_no_callers: bool,
}

impl Inbox {
    /// An inbox for so many requests of each class.
    pub(super) fn channel(size: usize) -> (RequestSenders, Self) {
        let (of_engines, engines) = mpsc::channel(size);
        // Bounded by the slots, which a request keeps until its turn.
        let (of_others, others) = mpsc::unbounded_channel();
        let slots = Arc::new(Semaphore::new(size));
        let inbox = Self {
            of_engines: RequestQueue::new(EngineArrivals(engines)),
            of_others: RequestQueue::new(OtherArrivals { receiver: others, waiting: FairQueue::default() }),
            separates: false,
            others_come_first: false,
        };
        (RequestSenders { of_engines, of_others, slots, size }, inbox)
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
        self.of_engines.arrivals.len() + self.of_others.arrivals.len()
    }

    /// Accepts no more requests. Those that were accepted are still carried out.
    pub(super) fn close(&mut self) {
        self.of_engines.arrivals.0.close();
        self.of_others.arrivals.receiver.close();
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

/// Requests as they arrive: one after the other, or by turns.
trait Arrivals {
    fn len(&self) -> usize;
    fn try_next(&mut self) -> Option<Request>;
    /// The next one; none once no caller is left. Dropped while it waits, it has lost nothing.
    async fn next(&mut self) -> Option<Request>;
}

struct EngineArrivals(mpsc::Receiver<Request>);

impl Arrivals for EngineArrivals {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn try_next(&mut self) -> Option<Request> {
        self.0.try_recv().ok()
    }

    async fn next(&mut self) -> Option<Request> {
        self.0.recv().await
    }
}

struct OtherArrivals {
    receiver: mpsc::UnboundedReceiver<OwnedRequest>,
    waiting: FairQueue<RequestOwner, (Request, OwnedSemaphorePermit)>,
}

impl OtherArrivals {
    fn push(&mut self, owned: OwnedRequest) {
        let OwnedRequest { owner, request, slot } = owned;
        self.waiting.push(owner, request.weight(), (request, slot));
    }
}

impl Arrivals for OtherArrivals {
    fn len(&self) -> usize {
        self.receiver.len() + self.waiting.len()
    }

    /// All that have arrived take part in the turns.
    fn try_next(&mut self) -> Option<Request> {
        while let Ok(owned) = self.receiver.try_recv() {
            self.push(owned);
        }
        self.waiting.pop().map(|(request, _slot)| request)
    }

    async fn next(&mut self) -> Option<Request> {
        if self.waiting.is_empty() {
            let owned = self.receiver.recv().await?;
            self.push(owned);
        }
        self.try_next()
    }
}

impl<A: Arrivals> RequestQueue<A> {
    fn new(arrivals: A) -> Self {
        Self { arrivals, held_over: VecDeque::new(), has_no_callers: false }
    }

    fn may_have_more(&self) -> bool {
        !self.has_no_callers || !self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.held_over.is_empty() && self.arrivals.len() == 0
    }

    fn try_next(&mut self) -> Option<Request> {
        self.held_over.pop_front().or_else(|| self.arrivals.try_next())
    }

    async fn next(&mut self) -> Option<Request> {
        if let Some(request) = self.held_over.pop_front() {
            return Some(request);
        }
        let request = self.arrivals.next().await;
        self.has_no_callers = request.is_none();
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enginehouse_core::access::secret::AccessToken;
    use enginehouse_core::event::NewEvent;
    use enginehouse_core::input::read_json;

    use crate::dispatcher::reply::Reply;

    #[tokio::test]
    async fn each_class_has_its_turn_while_both_have_requests() {
        let (senders, mut inbox) = Inbox::channel(10);
        inbox.separate();
        let mut taken = Vec::new();
        for of_others in [true, true, true, false, true] {
            // More of both come all the time.
            senders.send(None, Request::Settle(Vec::new(), Reply::channel().0)).unwrap();
            senders.send(None, Request::Sweep(Reply::channel().0)).unwrap();
            let first = inbox.next(of_others).await.unwrap();
            taken.push(inbox.gather(first).1);
        }
        use BatchClass::{Engines, Others};
        assert_eq!(taken, [Engines, Others, Engines, Engines, Others]);
        let first = inbox.try_next(true).expect("what goes along has its turn, too");
        assert_eq!(inbox.gather(first).1, Engines);
        assert!(inbox.try_next(false).is_none(), "no engine asks");
    }

    /// A request of a token, which stands for so many events.
    fn enqueue(events: usize) -> Request {
        let event = read_json(br#"{"event_type":"a"}"#, NewEvent::read).unwrap();
        Request::Enqueue(vec![event; events], Reply::channel().0)
    }

    #[tokio::test]
    async fn a_token_that_floods_takes_neither_the_room_of_engines_nor_the_turns_of_others() {
        let (senders, mut inbox) = Inbox::channel(100);
        let token = |number| Some(AccessToken::made(number, [0; 32]).accessor().clone());
        while senders.send(token(1), enqueue(2_000)).is_ok() {}
        assert_eq!(inbox.len(), 51, "half of the room is for what changes or ends something");
        let other = senders.send(token(2), Request::Sweep(Reply::channel().0));
        other.expect("an operator's call finds room");
        for _ in 0..100 {
            senders
                .send(token(1), Request::Settle(Vec::new(), Reply::channel().0))
                .expect("engines have their own room");
        }
        let first = inbox.next(true).await.unwrap();
        assert!(first.is_of_an_engine());
        while inbox.try_next(false).is_some() {}
        let next: Vec<_> = (0..2).filter_map(|_| inbox.try_next(true)).collect();
        assert!(next.iter().any(|request| matches!(request, Request::Sweep(_))), "whoever asks once is soon served");
        assert_eq!(inbox.len(), 50);
        senders.send(token(1), enqueue(1)).expect("what is taken leaves its slot");
    }
}
