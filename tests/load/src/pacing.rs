//! Which call may be made next: events are claimed as they have been enqueued, and enqueued as they are completed.

use tokio::sync::{Mutex, Semaphore};

/// What the connections of a phase share.
pub(crate) struct Pacing {
    /// How many events may still be enqueued.
    room: Semaphore,
    /// How many events can be claimed.
    ready: Semaphore,
    /// Whose claim is next: what is enqueued in one call goes to one claim, not to all that wait.
    turn: Mutex<()>,
    /// Whether nobody completes, so that whoever finds no room is done.
    fills: bool,
    /// Whether nobody enqueues, so that whoever finds nothing is done.
    drains: bool,
}

impl Pacing {
    /// Connections enqueue as fast as they can.
    pub(crate) fn enqueue() -> Self {
        Self::new(Semaphore::MAX_PERMITS, 0)
    }

    /// Connections enqueue so many events, and that is all.
    pub(crate) fn fill(events: usize) -> Self {
        Self { fills: true, ..Self::new(events, 0) }
    }

    /// Connections claim what there is.
    pub(crate) fn drain(ready: usize) -> Self {
        Self { drains: true, ..Self::new(0, ready) }
    }

    /// Some enqueue, others claim, and neither get ahead by more than so many events, of which half are there now. What
    /// else is in the queue stays there.
    pub(crate) fn mix(bound: usize) -> Self {
        Self::new(bound / 2, bound / 2)
    }

    fn new(room: usize, ready: usize) -> Self {
        Self {
            room: Semaphore::new(room),
            ready: Semaphore::new(ready),
            turn: Mutex::const_new(()),
            fills: false,
            drains: false,
        }
    }

    /// Waits until so many may be enqueued. False once the phase is over.
    pub(crate) async fn may_enqueue(&self, events: usize) -> bool {
        if self.fills && self.room.available_permits() < events {
            return false;
        }
        let count = u32::try_from(events).expect("a call has few events");
        self.room.acquire_many(count).await.map(|permit| permit.forget()).is_ok()
    }

    pub(crate) fn enqueued(&self, events: usize) {
        self.ready.add_permits(events);
    }

    /// Waits until there is something to claim, and answers how many up to a limit. None once the phase is over.
    pub(crate) async fn may_claim(&self, limit: usize) -> Option<usize> {
        let _turn = self.turn.lock().await;
        if self.drains && self.ready.available_permits() == 0 {
            return None;
        }
        self.ready.acquire().await.ok()?.forget();
        // Nobody else takes any meanwhile.
        let more = self.ready.available_permits().min(limit - 1);
        self.ready.forget_permits(more);
        Some(1 + more)
    }

    /// A claim has left so many to others.
    pub(crate) fn unclaimed(&self, events: usize) {
        self.ready.add_permits(events);
    }

    pub(crate) fn completed(&self, events: usize) {
        if !self.drains {
            self.room.add_permits(events);
        }
    }

    /// The phase is over: nobody begins another call.
    pub(crate) fn end(&self) {
        self.room.close();
        self.ready.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_is_over_when_nothing_is_left() {
        let pacing = Pacing::drain(5);
        assert_eq!(pacing.may_claim(3).await, Some(3));
        pacing.unclaimed(1);
        assert_eq!(pacing.may_claim(3).await, Some(3));
        assert_eq!(pacing.may_claim(3).await, None);
    }

    #[tokio::test]
    async fn neither_side_of_a_mix_gets_ahead_of_the_bound() {
        let pacing = Pacing::mix(4);
        assert!(pacing.may_enqueue(2).await);
        pacing.enqueued(2);
        tokio::select! {
            biased;
            _ = pacing.may_enqueue(1) => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(pacing.may_claim(9).await, Some(4));
        pacing.completed(4);
        assert!(pacing.may_enqueue(4).await);
        pacing.end();
        assert!(!pacing.may_enqueue(1).await);
        assert_eq!(pacing.may_claim(1).await, None);
    }
}
