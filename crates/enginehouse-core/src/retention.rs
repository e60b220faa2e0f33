//! How long finished events are kept, and what is known of one that is not there.

use std::fmt;
use std::time::Duration;

use crate::event::EventStatus;
use crate::ids::EventId;
use crate::time::{Timestamp, in_words};
use crate::transition::EventState;

/// How long finished events, and entries of the audit log, are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completed events.
    pub completed: Duration,
    /// Failed and cancelled events. Dead letters stay until somebody resolves them.
    pub failed: Duration,
    /// Entries of the audit log.
    pub audit: Duration,
}

impl Retention {
    /// 7 days for completed events, 30 days for failed and cancelled ones, a year for the audit log.
    pub const DEFAULT: Self = Self {
        completed: Duration::from_secs(7 * 86_400),
        failed: Duration::from_secs(30 * 86_400),
        audit: Duration::from_secs(365 * 86_400),
    };

    /// When an event may be deleted, if it is one that may.
    pub fn end_for(&self, event: &EventState) -> Option<Timestamp> {
        let kept = if event.status == EventStatus::Completed { self.completed } else { self.failed };
        event.finished_at.filter(|_| event.dead_letter.is_none()).map(|at| at + kept)
    }

    /// How long those events are kept that are kept for the shorter time.
    pub fn shortest(&self) -> Duration {
        self.completed.min(self.failed)
    }

    /// What is known of an event that is not there.
    pub fn missing(self, event_id: EventId, now: Timestamp) -> MissingEvent {
        MissingEvent { event_id, last_action: None, now, retention: self }
    }
}

/// An event that was asked for and is not there. Its id tells when it would have been enqueued, and nothing but the end of its
/// retention takes an event away: so it is message whether that may have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingEvent {
    pub event_id: EventId,
    last_action: Option<(String, Timestamp)>,
    now: Timestamp,
    retention: Retention,
}

impl MissingEvent {
    /// The audit log has this as the last that was done to it: then it was there.
    #[must_use]
    pub fn last_seen(self, last_action: Option<(String, Timestamp)>) -> Self {
        Self { last_action, ..self }
    }
}

impl fmt::Display for MissingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_id, last_action, now, retention } = self;
        if let Some((action, at)) = last_action {
            return write!(
                f,
                "event {event_id} is not there any more: its retention is over; {action} of {at} is the last of it"
            );
        }
        let shortest = retention.shortest();
        write!(f, "event {event_id} is not known: ")?;
        match event_id.made_at() {
            None => f.write_str("ids of events are UUIDs of version 7, and this is none"),
            Some(at) if at > *now => write!(f, "by its id it is of {at}, which is yet to come"),
            // It was finished after it was made.
            Some(at) if at + shortest > *now => write!(
                f,
                "by its id it is of {at}, so its retention cannot be over: finished events are kept for {}",
                in_words(shortest)
            ),
            Some(at) => write!(
                f,
                "by its id it is of {at}; if it was there, its retention is over: completed events are kept for {}, failed and \
                 cancelled ones for {}",
                in_words(retention.completed),
                in_words(retention.failed)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_not_there_is_told_from_one_that_may_have_been() {
        const DAY: Duration = Duration::from_secs(86_400);
        let now: Timestamp = "2026-11-27T12:00:00.000Z".parse().unwrap();
        // Of the given time: 48 bits of milliseconds.
        let id =
            |at: Timestamp| EventId(uuid::Uuid::from_u128(((at.as_millis() as u128) << 80) | (7 << 76) | (1 << 63)));
        let message = |event_id: EventId| {
            let message = Retention::DEFAULT.missing(event_id, now).to_string();
            message.strip_prefix(&format!("event {event_id} is not known: ")).unwrap().to_owned()
        };
        let week = now - DAY * 7;
        let millisecond = Duration::from_millis(1);
        for (at, end) in [
            (now + millisecond, "2026-11-27T12:00:00.001Z, which is yet to come"),
            (now, "2026-11-27T12:00:00.000Z, so its retention cannot be over: finished events are kept for 7 d"),
            (
                week + millisecond,
                "2026-11-20T12:00:00.001Z, so its retention cannot be over: finished events are kept for 7 d",
            ),
            (
                week,
                "2026-11-20T12:00:00.000Z; if it was there, its retention is over: completed events are kept for 7 d, failed and \
                 cancelled ones for 30 d",
            ),
        ] {
            assert_eq!(message(id(at)), format!("by its id it is of {end}"));
        }
        let random: EventId = "6f2d1c4e-9f0b-4d3a-8a55-3f1f0e8a7c11".parse().unwrap();
        assert_eq!(message(random), "ids of events are UUIDs of version 7, and this is none");
        let last_action = Some(("event.cancel".to_owned(), week));
        let known = Retention::DEFAULT.missing(id(week), now).last_seen(last_action);
        let end =
            "is not there any more: its retention is over; event.cancel of 2026-11-20T12:00:00.000Z is the last of it";
        assert_eq!(known.to_string(), format!("event {} {end}", id(week)));
    }
}
