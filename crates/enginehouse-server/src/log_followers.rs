//! Callers that follow a log: woken when something of their event was reported, and bounded in number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::ids::EventId;
use tokio::sync::Notify;

/// Most callers that follow logs at once.
const MAX_FOLLOWERS: usize = 100;

/// Who follows what. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogFollowers(Arc<Mutex<FollowedEvents>>);

#[derive(Debug, Default)]
struct FollowedEvents {
    events: HashMap<EventId, Followed>,
    followers: usize,
}

#[derive(Debug, Default)]
struct Followed {
    reported: Arc<Notify>,
    followers: usize,
}

/// One caller that follows an event, until this is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    all: LogFollowers,
    event_id: EventId,
    /// Something was reported of the event.
    pub(crate) reported: Arc<Notify>,
}

impl LogFollowers {
    fn lock(&self) -> MutexGuard<'_, FollowedEvents> {
        // No code that holds it can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to follow an event; none if too many callers do.
    pub(crate) fn follow(&self, event_id: EventId) -> Option<Follower> {
        let mut state = self.lock();
        if state.followers >= MAX_FOLLOWERS {
            return None;
        }
        state.followers += 1;
        let followed = state.events.entry(event_id).or_default();
        followed.followers += 1;
        Some(Follower { all: self.clone(), event_id, reported: Arc::clone(&followed.reported) })
    }

    /// Wakes whoever follows one of these events. Costs a look where nobody follows anything.
    pub(crate) fn reported<'e>(&self, events: impl Iterator<Item = &'e EventId>) {
        let state = self.lock();
        if state.followers > 0 {
            events
                .filter_map(|event_id| state.events.get(event_id))
                .for_each(|followed| followed.reported.notify_waiters());
        }
    }

    #[cfg(test)]
    fn followers(&self) -> (usize, usize) {
        let state = self.lock();
        (state.followers, state.events.len())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.all.lock();
        state.followers -= 1;
        if let Entry::Occupied(mut followed) = state.events.entry(self.event_id) {
            followed.get_mut().followers -= 1;
            if followed.get().followers == 0 {
                followed.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_are_counted_and_forgotten_when_they_go() {
        let all = LogFollowers::default();
        let event_id: EventId = "0193f2a0-0000-7000-8000-000000000001".parse().unwrap();
        let mut following: Vec<_> = (0..MAX_FOLLOWERS).map(|_| all.follow(event_id).unwrap()).collect();
        assert!(all.follow(event_id).is_none());
        assert_eq!(all.followers(), (MAX_FOLLOWERS, 1));
        following.pop();
        assert!(all.follow(event_id).is_some());
        drop(following);
        assert_eq!(all.followers(), (0, 0));
    }
}
