//! Keeps what takes long to make, so that looking at it costs others nothing.
//!
//! What was made is kept for twenty times as long as it took. An older one is answered once more, while a new one is made in
//! the background: so one who asks often never waits, and making takes a twentieth of one processor at most. What is far
//! too old is answered to nobody. What took little is made anew for each question, and so is answered as it is; only those who ask
//! while one is made share the next.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::timers::Timer;

/// It is kept for so many times as long as it took to make.
const KEPT_FACTOR: u32 = 20;
/// For how long it is kept at least, and at most.
const KEPT_AT_LEAST: Duration = Duration::from_secs(1);
const KEPT_AT_MOST: Duration = Duration::from_secs(15);
/// Up to how many times that age it is answered while a new one is made.
const STALE_FACTOR: u32 = 4;

/// Makes a value from the store.
pub(super) trait RefreshSource: Send + Sync + 'static {
    type Value: Send + Sync + 'static;

    /// Makes it as of a moment.
    fn make(&self, now: Timestamp) -> impl Future<Output = Result<Made<Self::Value>, StoreError>> + Send;
}

/// What a source has made.
pub(super) struct Made<T> {
    pub(super) value: Arc<T>,
    /// Whether it takes long to make, and so is kept.
    pub(super) is_large: bool,
}

/// A value that is kept for a while.
pub(super) struct Refreshed<S: RefreshSource>(Arc<RefreshedState<S>>);

struct RefreshedState<S: RefreshSource> {
    source: S,
    /// How often making it has begun.
    begun: AtomicU64,
    /// The last one. It is locked while one is made that somebody waits for, so that many who ask at once make one.
    kept: Mutex<Option<Kept<S::Value>>>,
}

struct Kept<T> {
    value: Arc<T>,
    /// The how manieth it is, by when making it began.
    number: u64,
    made_at: Instant,
    /// For how long it is kept.
    keep: Duration,
    is_being_replaced: bool,
}

impl<S: RefreshSource> Refreshed<S> {
    pub(super) fn new(source: S) -> Self {
        Self(Arc::new(RefreshedState { source, begun: AtomicU64::new(0), kept: Mutex::new(None) }))
    }

    /// The value, as it is or was a few seconds ago.
    ///
    /// # Errors
    /// It has to be made, and the store cannot be read.
    pub(super) async fn get(&self, now: Timestamp) -> Result<Arc<S::Value>, StoreError> {
        let before = self.0.begun.load(Ordering::SeqCst);
        let mut kept = self.0.kept.lock().await;
        if let Some(last) = &mut *kept {
            let age = Timer::now().saturating_duration_since(last.made_at);
            // One that was begun since this was asked is as new as one that is begun now.
            if last.number > before || age < last.keep {
                return Ok(Arc::clone(&last.value));
            }
            if age < last.keep * STALE_FACTOR {
                if !std::mem::replace(&mut last.is_being_replaced, true) {
                    tokio::spawn(Arc::clone(&self.0).replace(last.number, now));
                }
                return Ok(Arc::clone(&last.value));
            }
        }
        let made = self.0.make(now).await?;
        let value = Arc::clone(&made.value);
        *kept = Some(made);
        Ok(value)
    }
}

impl<S: RefreshSource> RefreshedState<S> {
    async fn make(&self, now: Timestamp) -> Result<Kept<S::Value>, StoreError> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let began = Timer::now();
        let Made { value, is_large } = self.source.make(now).await?;
        let made_at = Timer::now();
        let took = made_at.saturating_duration_since(began);
        let keep = if is_large { (took * KEPT_FACTOR).clamp(KEPT_AT_LEAST, KEPT_AT_MOST) } else { Duration::ZERO };
        Ok(Kept { value, number, made_at, keep, is_being_replaced: false })
    }

    /// Makes one in place of an old one, unless somebody who could not wait for it has made another.
    async fn replace(self: Arc<Self>, number: u64, now: Timestamp) {
        let made = self.make(now).await;
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|last| last.number == number) {
            // If it was not made, the next one who asks tries again, and is told.
            *kept = made.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    /// Makes the numbers from one on, each of which takes a second; or fails.
    struct Numbers {
        is_large: bool,
        fails: AtomicBool,
        made: AtomicU64,
        /// How many may be finished.
        may_finish: Semaphore,
    }

    type SharedNumbers = Arc<Numbers>;

    impl RefreshSource for SharedNumbers {
        type Value = u64;

        async fn make(&self, _now: Timestamp) -> Result<Made<u64>, StoreError> {
            let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
            self.may_finish.acquire().await.unwrap().forget();
            tokio::time::advance(Duration::from_secs(1)).await;
            if self.fails.load(Ordering::SeqCst) {
                return Err(StoreError::unavailable("it is away"));
            }
            Ok(Made { value: Arc::new(number), is_large: self.is_large })
        }
    }

    fn numbers(is_large: bool, may_finish: usize) -> (SharedNumbers, Refreshed<SharedNumbers>) {
        let numbers = Arc::new(Numbers {
            is_large,
            fails: AtomicBool::new(false),
            made: AtomicU64::new(0),
            may_finish: Semaphore::new(may_finish),
        });
        (Arc::clone(&numbers), Refreshed::new(numbers))
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    /// Lets everything happen that can without more time.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    async fn get(refreshed: &Refreshed<SharedNumbers>) -> Option<u64> {
        refreshed.get(NOW).await.ok().map(|number| *number)
    }

    /// It took a second, so it is kept for the longest time: 15 seconds, and for 60 while another is made.
    #[tokio::test(start_paused = true)]
    async fn an_old_one_is_answered_while_a_new_one_is_made() {
        let (numbers, refreshed) = numbers(true, 1);
        assert_eq!(get(&refreshed).await, Some(1));
        pass(14).await;
        assert_eq!(get(&refreshed).await, Some(1));
        settle().await;
        assert_eq!(numbers.made.load(Ordering::SeqCst), 1, "it is still new");
        pass(2).await;
        // However many ask, one is made, and nobody waits for it.
        let asked = join_all((0..10).map(|_| get(&refreshed))).await;
        assert_eq!(asked, [Some(1); 10]);
        settle().await;
        assert_eq!((numbers.made.load(Ordering::SeqCst), get(&refreshed).await), (2, Some(1)));
        numbers.may_finish.add_permits(1);
        settle().await;
        assert_eq!(get(&refreshed).await, Some(2));
    }

    /// Even if another is being made: that may hang.
    #[tokio::test(start_paused = true)]
    async fn one_that_is_far_too_old_is_answered_to_nobody() {
        let (numbers, refreshed) = numbers(true, 1);
        assert_eq!(get(&refreshed).await, Some(1));
        pass(16).await;
        assert_eq!(get(&refreshed).await, Some(1));
        settle().await;
        pass(44).await;
        // The second one waits for the first permit, the third for the other.
        numbers.may_finish.add_permits(2);
        assert_eq!(get(&refreshed).await, Some(3));
        // What was begun before, and ends later, does not take its place.
        settle().await;
        assert_eq!((get(&refreshed).await, numbers.made.load(Ordering::SeqCst)), (Some(3), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_wait_for_the_same_one() {
        let (numbers, refreshed) = numbers(true, 1);
        assert_eq!(join_all((0..10).map(|_| get(&refreshed))).await, [Some(1); 10]);
        assert_eq!(numbers.made.load(Ordering::SeqCst), 1);
    }

    /// What was begun before a question may lack what was done before it; what is begun after it does not.
    #[tokio::test(start_paused = true)]
    async fn a_small_one_is_never_older_than_the_question() {
        let (numbers, refreshed) = numbers(false, 100);
        assert_eq!((get(&refreshed).await, get(&refreshed).await), (Some(1), Some(2)));
        let at_once = join_all((0..10).map(|_| get(&refreshed))).await;
        assert_eq!((at_once[0], &at_once[1..]), (Some(3), &[Some(4); 9][..]));
        assert_eq!(numbers.made.load(Ordering::SeqCst), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_after_a_failure_is_told() {
        let (numbers, refreshed) = numbers(true, 100);
        numbers.fails.store(true, Ordering::SeqCst);
        assert_eq!(get(&refreshed).await, None);
        numbers.fails.store(false, Ordering::SeqCst);
        assert_eq!(get(&refreshed).await, Some(2));
        numbers.fails.store(true, Ordering::SeqCst);
        pass(16).await;
        assert_eq!(get(&refreshed).await, Some(2), "it fails in the background");
        settle().await;
        assert_eq!(get(&refreshed).await, None);
        numbers.fails.store(false, Ordering::SeqCst);
        assert_eq!(get(&refreshed).await, Some(5));
    }
}
