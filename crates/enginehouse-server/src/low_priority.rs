//! Threads for questions that take long: what they do is done when nobody else wants the processor.
//!
//! A question about the whole fleet takes milliseconds of a processor, and what it is answered from takes hundreds of them now
//! and then. On a network thread that would keep the answers of other connections, and at the priority of others it would take
//! the processor from the thread that writes. So such questions have a few threads of their own; on Linux, with a low priority.
//! Two are worked on at once, and so one is answered while another is read what all are answered from.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// How many questions are worked on at once, and how many threads read for them from a data file.
const THREADS: usize = 2;
/// How much nicer they are than other threads: beside one that wants a whole processor, one of them gets a tenth of it.
#[cfg(target_os = "linux")]
const NICER_BY: i32 = 10;

/// Threads of a low priority that run until this is dropped.
pub(crate) struct LowPriorityThreads {
    handle: Handle,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
}

impl LowPriorityThreads {
    /// Starts them.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        runtime.enable_all().worker_threads(THREADS).max_blocking_threads(THREADS);
        runtime.thread_name("enginehouse-low").on_thread_start(lower_priority());
        let runtime = runtime.build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Runs `work` on them, and whatever it spawns. If its caller goes away, it ends.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        AbortOnDropHandle::new(self.handle.spawn(work))
    }
}

impl Drop for LowPriorityThreads {
    fn drop(&mut self) {
        // Whoever drops it may not wait, and what is still being read nobody wants.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What lowers the priority of the thread that calls it, below that of this one.
#[cfg(target_os = "linux")]
fn lower_priority() -> impl Fn() + Send + Sync + 'static {
    // A thread begins with the priority of the one that starts it, which may be one of these.
    let low = rustix::process::getpriority_process(None).map(|usual| usual.saturating_add(NICER_BY).min(19));
    move || {
        // If a sandbox does not allow it, the thread works as it is.
        if let Err(error) = low.and_then(|low| rustix::process::setpriority_process(None, low)) {
            tracing::debug!(%error, "a thread keeps the usual priority");
        }
    }
}

/// Elsewhere the call would lower the priority of the whole process.
#[cfg(not(target_os = "linux"))]
fn lower_priority() -> impl Fn() + Send + Sync + 'static {
    || ()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    /// Its tasks, and what they have read on threads that may block; and nobody else.
    #[tokio::test]
    async fn what_runs_here_has_a_low_priority_and_nothing_else_has() {
        let usual = niceness();
        let threads = LowPriorityThreads::start().unwrap();
        let work = async { (niceness(), tokio::task::spawn_blocking(niceness).await.unwrap()) };
        let low = (usual + NICER_BY).min(19);
        assert_eq!(threads.spawn(work).await.unwrap(), (low, low));
        assert_eq!(niceness(), usual);
    }

    /// A caller who hangs up leaves nothing behind that goes on.
    #[tokio::test]
    async fn what_nobody_waits_for_any_more_ends() {
        let threads = LowPriorityThreads::start().unwrap();
        let (alive, gone) = tokio::sync::oneshot::channel::<()>();
        let work = async move {
            std::future::pending::<()>().await;
            drop(alive);
        };
        drop(threads.spawn(work));
        assert!(gone.await.is_err());
    }
}
