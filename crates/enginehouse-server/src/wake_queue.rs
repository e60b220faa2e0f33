//! Wakes many tasks of one thread by one wake-up of the thread.
//!
//! Whoever wakes a task of another thread's event loop also wakes that thread, by a call into the kernel each time, awake or
//! not. The dispatcher answers dozens of requests at once, of a few threads. So a task that waits for its answer is put on
//! its thread's queue, and the first one on it wakes the thread, which wakes the others by itself.

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::take;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

thread_local! {
    static OF_THIS_THREAD: RefCell<Option<WakeQueue>> = const { RefCell::new(None) };
}

/// The tasks of one thread that others have woken.
#[derive(Clone, Default)]
pub(crate) struct WakeQueue(Arc<Mutex<Woken>>);

#[derive(Default)]
struct Woken {
    tasks: Vec<Waker>,
    /// The one that wakes them, while it has nothing to do.
    waits: Option<Waker>,
}

impl WakeQueue {
    /// The queue of this thread from now on. Whoever calls it has its event loop run [`WakeQueue::wake_all`].
    pub(crate) fn of_this_thread() -> Self {
        let queue = Self::default();
        OF_THIS_THREAD.set(Some(queue.clone()));
        queue
    }

    /// Wakes the tasks that are put on the queue, for ever.
    pub(crate) async fn wake_all(self) {
        poll_fn(|cx| {
            let tasks = {
                let mut woken = self.woken();
                woken.waits = Some(cx.waker().clone());
                take(&mut woken.tasks)
            };
            tasks.into_iter().for_each(Waker::wake);
            Poll::Pending
        })
        .await
    }

    fn push(&self, task: Waker) {
        let mut woken = self.woken();
        woken.tasks.push(task);
        let waits = woken.waits.take();
        drop(woken);
        if let Some(waits) = waits {
            waits.wake();
        }
    }

    fn woken(&self) -> MutexGuard<'_, Woken> {
        // Nobody panics while holding it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes a task by way of its thread's queue.
struct Queued {
    task: Waker,
    queue: WakeQueue,
}

impl Wake for Queued {
    fn wake(self: Arc<Self>) {
        self.queue.push(self.task.clone());
    }
}

/// Awaits what another thread completes. On a thread with a queue, its task is woken together with others.
pub(crate) async fn woken_together<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let queue = OF_THIS_THREAD.with_borrow(Clone::clone);
    let Some(queue) = queue else { return future.await };
    poll_fn(|cx| {
        let waker = Waker::from(Arc::new(Queued { task: cx.waker().clone(), queue: queue.clone() }));
        Pin::as_mut(&mut future).poll(&mut Context::from_waker(&waker))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Thread(AtomicUsize);

    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn many_answers_wake_a_thread_once_and_each_of_its_tasks() {
        let (thread, task) = (Arc::new(Thread::default()), Arc::new(Thread::default()));
        let count = |of: &Thread| of.0.load(Ordering::Relaxed);
        let (of_thread, of_task) = (Waker::from(Arc::clone(&thread)), Waker::from(Arc::clone(&task)));
        let mut wake_all = pin!(WakeQueue::of_this_thread().wake_all());
        let mut wake_all = || assert!(wake_all.as_mut().poll(&mut Context::from_waker(&of_thread)).is_pending());
        wake_all();
        for round in 1..=2 {
            let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..3)
                .map(|_| oneshot::channel())
                .map(|(sender, receiver)| (sender, Box::pin(woken_together(receiver))))
                .unzip();
            let mut poll = |at: usize| receivers[at].as_mut().poll(&mut Context::from_waker(&of_task));
            assert!((0..3).all(|at| poll(at).is_pending()));
            for (number, sender) in senders.into_iter().enumerate() {
                sender.send(number).unwrap();
            }
            assert_eq!((count(&thread), count(&task)), (round, 3 * round - 3), "the thread, and none of its tasks yet");
            wake_all();
            assert_eq!((count(&thread), count(&task)), (round, 3 * round));
            assert_eq!([0, 1, 2].map(poll), [0, 1, 2].map(|number| Poll::Ready(Ok(number))));
        }
    }
}
