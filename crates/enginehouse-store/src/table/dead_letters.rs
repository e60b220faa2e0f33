//! Dead letters. They are found by these columns; what is shown of one is its event.

use std::borrow::Cow;

use enginehouse_core::error_group::{ErrorGroupId, error_pattern};
use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::ids::{EventId, EventType, QueueName};
use enginehouse_core::time::Timestamp;

use super::column::columns;
use crate::rows::NewDeadLetter;

columns! {
    pub(crate) struct DeadLetterColumns<'a> {
        event_id: EventId as Id,
        event_type: Cow<'a, EventType> as Text,
        queue: Cow<'a, QueueName> as Text,
        reason: DeadLetterReason as Text,
        dead_lettered_at: Timestamp as Time,
        error_code: Option<&'a str> as Text,
        error_group: Cow<'a, str> as Text,
        group_id: Cow<'a, str> as Text,
    }
}

impl<'a> DeadLetterColumns<'a> {
    pub(crate) fn of(letter: &'a NewDeadLetter) -> Self {
        let NewDeadLetter { event_id, event_type, queue, reason, dead_lettered_at, error } = letter;
        let error = error.as_ref();
        let error_code = error.and_then(|error| error.code.as_deref());
        let error_group = error.map(|error| error_pattern(&error.message)).unwrap_or_default();
        let group_id = ErrorGroupId::of(event_type, error_code, &error_group).to_string();
        Self {
            event_id: *event_id,
            event_type: Cow::Borrowed(event_type),
            queue: Cow::Borrowed(queue),
            reason: *reason,
            dead_lettered_at: *dead_lettered_at,
            error_code,
            error_group: Cow::Owned(error_group),
            group_id: Cow::Owned(group_id),
        }
    }
}
