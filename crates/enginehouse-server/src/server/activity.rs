//! What a connection is busy with, as seen from outside: whether a request is under way, and else since when it is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::timers::Timer;

/// Not idle: a request is under way, or its headers are.
const BUSY: u64 = 0;
/// Chosen to make room for another connection.
const CLOSING: u64 = u64::MAX;

/// What all connections of a server tell whoever waits for one of them to be idle.
#[derive(Debug)]
pub(super) struct IdleSignal {
    began: Instant,
    wanted: AtomicBool,
    became_idle: Notify,
}

impl IdleSignal {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { began: Timer::now(), wanted: AtomicBool::new(false), became_idle: Notify::new() })
    }

    /// Asks to be told of the next connection that becomes idle. Ask before looking: one that becomes idle in between
    /// would not tell.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::SeqCst);
    }

    /// Ends when a connection has become idle since it was asked for.
    pub(super) async fn became_idle(&self) {
        self.became_idle.notified().await;
    }

    /// Microseconds, and never what stands for something else.
    fn now(&self) -> u64 {
        let passed = Timer::now().saturating_duration_since(self.began).as_micros();
        u64::try_from(passed).unwrap_or(u64::MAX).clamp(BUSY + 1, CLOSING - 1)
    }
}

/// What one connection is busy with. Shared by the connection, its requests and the accept loop.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<State>);

#[derive(Debug)]
struct State {
    under_way: AtomicUsize,
    begun: AtomicUsize,
    /// Whether the client has not yet taken all that was written.
    is_held_up: AtomicBool,
    /// Whether a body was not read to its end: hyper closes the connection behind the answer.
    has_unread: AtomicBool,
    /// Since when it is idle, unless it is busy or to be closed.
    idle_since: AtomicU64,
    /// The task that waits for the next request: hyper has already polled for it when the answer before it ends.
    reader: AtomicWaker,
    signal: Arc<IdleSignal>,
}

impl Activity {
    /// A connection that has just been opened. Its first request may lie there already, so it is not idle before it was
    /// looked at.
    pub(super) fn new(signal: Arc<IdleSignal>) -> Self {
        Self(Arc::new(State {
            under_way: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            is_held_up: AtomicBool::new(false),
            has_unread: AtomicBool::new(false),
            idle_since: AtomicU64::new(BUSY),
            reader: AtomicWaker::new(),
            signal,
        }))
    }

    /// A request begins, from its headers to the end of its answer.
    pub(super) fn begin(&self) -> OneRequest {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        OneRequest(self.clone())
    }

    pub(super) fn has_request(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed) > 0
    }

    /// How many requests have begun so far.
    pub(super) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Notes whether a write is held up.
    pub(super) fn set_held_up(&self, is_held_up: bool) {
        self.0.is_held_up.store(is_held_up, Ordering::Relaxed);
    }

    pub(super) fn is_held_up(&self) -> bool {
        self.0.is_held_up.load(Ordering::Relaxed)
    }

    /// Notes that nobody reads the rest of a body.
    pub(super) fn leave_unread(&self) {
        self.0.has_unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_unread(&self) -> bool {
        self.0.has_unread.load(Ordering::Relaxed)
    }

    pub(super) fn set_idle(&self) {
        let State { idle_since, signal, .. } = &*self.0;
        if idle_since.compare_exchange(BUSY, signal.now(), Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && signal.wanted.swap(false, Ordering::SeqCst)
        {
            signal.became_idle.notify_one();
        }
    }

    /// Answers whether the connection may go on: no, if it was closed to make room.
    pub(super) fn set_busy(&self) -> bool {
        let was =
            self.0.idle_since.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |was| (was != CLOSING).then_some(BUSY));
        was.is_ok()
    }

    /// The task of the connection is woken when a request ends or the connection is to be closed.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.0.reader.register(cx.waker());
    }

    pub(super) fn is_closing(&self) -> bool {
        self.0.idle_since.load(Ordering::SeqCst) == CLOSING
    }

    /// Since when it is idle; none if it is not.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let since = self.0.idle_since.load(Ordering::SeqCst);
        (since != BUSY && since != CLOSING).then_some(since)
    }

    /// Closes it, if it is still idle since then.
    pub(super) fn close_if_idle_since(&self, since: u64) -> bool {
        let closed = self.0.idle_since.compare_exchange(since, CLOSING, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if closed {
            self.0.reader.wake();
        }
        closed
    }
}

/// One request that is under way, until dropped.
pub(super) struct OneRequest(Activity);

impl Drop for OneRequest {
    fn drop(&mut self) {
        let state = &self.0.0;
        state.under_way.fetch_sub(1, Ordering::Relaxed);
        state.reader.wake();
    }
}
