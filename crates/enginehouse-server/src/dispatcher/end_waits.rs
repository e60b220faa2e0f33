//! Callers who wait for the end of an event: in memory, woken by the commit that ends it.
//!
//! Nothing is kept for them but their places here, and each has a connection of its own, of which there are so many. A caller
//! first takes its place and then reads the event: so an end that it does not read wakes it.
//!
//! Where others share the store, its change feed only says that something has ended. Then the events that are waited for are
//! looked at, all by one statement, and at most a few times a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_store::Store;
use tokio::sync::oneshot;

use crate::timers::{Timer, alarm, pause};
use crate::wake_queue::woken_together;

/// The shortest time between two looks at what others may have ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Who waits, shared by the dispatcher and the callers. Cheap to clone.
#[derive(Clone, Default)]
pub struct EndWaits(Arc<Mutex<Waits>>);

#[derive(Default)]
struct Waits {
    by_event: HashMap<EventId, Vec<(u64, oneshot::Sender<()>)>>,
    last_number: u64,
    looking: Looking,
    /// Whether nobody is to wait any more: the server shuts down.
    is_closed: bool,
}

/// Whether somebody looks at what others have ended.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Looking {
    #[default]
    No,
    Once,
    /// Something has ended since the look began.
    Again,
}

/// A place among those who wait. Dropped, it leaves nothing.
pub struct EndWait {
    waits: EndWaits,
    event_id: EventId,
    number: u64,
    woken: oneshot::Receiver<()>,
}

impl EndWaits {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        // Nobody panics while holding it, and if somebody did, the places are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place. Whoever reads the event from now on, and finds it without an end, is woken by that.
    pub fn begin(&self, event_id: EventId) -> EndWait {
        let (wake, woken) = oneshot::channel();
        let mut waits = self.waits();
        waits.last_number += 1;
        let number = waits.last_number;
        if !waits.is_closed {
            waits.by_event.entry(event_id).or_default().push((number, wake));
        }
        drop(waits);
        EndWait { waits: self.clone(), event_id, number, woken }
    }

    /// How many callers wait.
    pub fn callers(&self) -> usize {
        self.waits().by_event.values().map(Vec::len).sum()
    }

    /// Wakes whoever waits for these events: they have ended.
    pub(super) fn ended(&self, events: &[EventId]) {
        if events.is_empty() {
            return;
        }
        let mut waits = self.waits();
        if waits.by_event.is_empty() {
            return;
        }
        let woken: Vec<_> = events.iter().filter_map(|event_id| waits.by_event.remove(event_id)).flatten().collect();
        drop(waits);
        wake(woken);
    }

    /// Wakes everybody, and lets nobody wait any more.
    pub(super) fn close(&self) {
        let mut waits = self.waits();
        waits.is_closed = true;
        let woken = std::mem::take(&mut waits.by_event);
        drop(waits);
        wake(woken.into_values().flatten());
    }

    /// Others have ended events: looks whether somebody waits for one of them.
    pub(super) fn look(&self, store: &Arc<dyn Store>) {
        let mut waits = self.waits();
        if waits.by_event.is_empty() {
            return;
        }
        if waits.looking != Looking::No {
            waits.looking = Looking::Again;
            return;
        }
        waits.looking = Looking::Once;
        drop(waits);
        let (waits, store) = (self.clone(), Arc::clone(store));
        tokio::spawn(async move { while waits.look_once(&*store).await {} });
    }

    /// Looks, and waits a while. Answers whether to look again.
    async fn look_once(&self, store: &dyn Store) -> bool {
        let ids: Vec<_> = {
            let mut waits = self.waits();
            waits.looking = Looking::Once;
            waits.by_event.keys().copied().collect()
        };
        let found = store.ended_events(&ids).await;
        self.ended(found.as_deref().unwrap_or_default());
        pause(LOOK_INTERVAL).await;
        let mut waits = self.waits();
        let again = (waits.looking == Looking::Again || found.is_err()) && !waits.by_event.is_empty();
        waits.looking = if again { Looking::Once } else { Looking::No };
        again
    }
}

fn wake(woken: impl IntoIterator<Item = (u64, oneshot::Sender<()>)>) {
    for (_, wake) in woken {
        // A caller that has gone is not there to be woken.
        let _ = wake.send(());
    }
}

impl EndWait {
    /// Waits until the event has ended, the server shuts down, or so long.
    pub async fn within(mut self, wait: Duration) {
        let over = alarm(Timer::now() + wait);
        tokio::select! {
            _ = woken_together(&mut self.woken) => {}
            () = over => {}
        }
    }
}

impl Drop for EndWait {
    fn drop(&mut self) {
        let mut waits = self.waits.waits();
        if let Some(places) = waits.by_event.get_mut(&self.event_id) {
            places.retain(|(number, _)| *number != self.number);
            if places.is_empty() {
                waits.by_event.remove(&self.event_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const EVENT: EventId = EventId(uuid::Uuid::from_u128(7));
    const OTHER: EventId = EventId(uuid::Uuid::from_u128(8));
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_end_of_its_event_and_leaves_nothing() {
        let waits = EndWaits::default();
        let (first, second) = (waits.begin(EVENT), waits.begin(EVENT));
        let mut other = Box::pin(waits.begin(OTHER).within(LONG));
        assert_eq!(waits.callers(), 3);
        drop(second);
        assert!((&mut other).now_or_never().is_none());
        waits.ended(&[EVENT]);
        first.within(LONG).await;
        assert_eq!(waits.callers(), 1);
        drop(other);
        assert_eq!(waits.callers(), 0, "a caller that has gone leaves nothing");
        waits.begin(EVENT).within(Duration::ZERO).await;
        assert_eq!(waits.callers(), 0, "its time is over");
    }

    #[tokio::test]
    async fn an_end_between_taking_a_place_and_waiting_is_not_missed_and_a_shutdown_wakes_all() {
        let waits = EndWaits::default();
        let place = waits.begin(EVENT);
        waits.ended(&[OTHER, EVENT]);
        place.within(LONG).await;
        let place = waits.begin(EVENT);
        waits.close();
        place.within(LONG).await;
        waits.begin(OTHER).within(LONG).await;
    }
}
