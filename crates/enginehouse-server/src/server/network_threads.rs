//! The threads that serve connections, each with an event loop of its own.
//!
//! A connection stays on one thread: who reads its request also writes the answer. A pool that steals tasks wakes a second
//! thread for nearly every request of a quiet server, to look whether there is more to do; here the answer wakes one, and the
//! answers of a batch find it awake.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::wake_queue::WakeQueue;

/// Threads that serve connections until this is dropped.
pub(super) struct NetworkThreads {
    threads: Vec<NetworkThread>,
    next: AtomicUsize,
    _until_dropped: DropGuard,
}

/// A thread that serves connections.
pub(super) struct NetworkThread {
    pub(super) runtime: Handle,
    /// Who holds its one permit computes a handshake of TLS on this thread.
    pub(super) handshake_turns: Arc<Semaphore>,
}

impl NetworkThreads {
    /// Starts a thread for each processor.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(super) fn start() -> io::Result<Self> {
        let ends = CancellationToken::new();
        let count = std::thread::available_parallelism().map_or(1, NonZero::get);
        let start = |number| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let ends = ends.clone();
            std::thread::Builder::new().name(format!("enginehouse-net-{number}")).spawn(move || {
                runtime.spawn(WakeQueue::of_this_thread().wake_all());
                runtime.block_on(ends.cancelled());
                runtime.shutdown_background();
            })?;
            Ok(NetworkThread { runtime: handle, handshake_turns: Arc::new(Semaphore::new(1)) })
        };
        let threads = (0..count).map(start).collect::<io::Result<_>>()?;
        Ok(Self { threads, next: AtomicUsize::new(0), _until_dropped: ends.drop_guard() })
    }

    /// The thread of the next connection: each in turn.
    pub(super) fn next(&self) -> &NetworkThread {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.threads[next % self.threads.len()]
    }
}
