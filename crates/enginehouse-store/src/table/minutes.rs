//! What happened each minute: a row for each minute, queue and event type.

use std::borrow::Cow;

use enginehouse_core::durations::DurationHistogram;
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::time::Timestamp;

use super::column::{Unexpected, columns, from_json, json_text};
use crate::rows::{MinuteKey, MinuteRow};

columns! {
    pub(crate) struct MinuteColumns<'a> {
        minute: Timestamp as Time,
        /// Empty, as the event type is, for all that were not told apart: nothing is part of no key.
        queue: &'a str as Text,
        event_type: &'a str as Text,
        enqueued: u64 as Long,
        claimed: u64 as Long,
        completed: u64 as Long,
        failed: u64 as Long,
        lost: u64 as Long,
        dead_lettered: u64 as Long,
        waiting_ms: u64 as Long,
        waiting_buckets: Cow<'a, str> as Json,
        processing_ms: u64 as Long,
        processing_buckets: Cow<'a, str> as Json,
    }
}

impl<'a> MinuteColumns<'a> {
    pub(crate) fn of(row: &'a MinuteRow) -> Self {
        let MinuteRow { key, tally } = row;
        let (queue, event_type) = key.names();
        let MinuteTally { enqueued, claimed, completed, failed, lost, dead_lettered, waiting, processing } = tally;
        Self {
            minute: key.minute,
            queue,
            event_type,
            enqueued: *enqueued,
            claimed: *claimed,
            completed: *completed,
            failed: *failed,
            lost: *lost,
            dead_lettered: *dead_lettered,
            waiting_ms: waiting.total_ms(),
            waiting_buckets: json_text(waiting.buckets()),
            processing_ms: processing.total_ms(),
            processing_buckets: json_text(processing.buckets()),
        }
    }

    pub(crate) fn into_row(self) -> Result<MinuteRow, Unexpected> {
        let histogram = |column, buckets: &str, total_ms| {
            DurationHistogram::from_parts(from_json(column, buckets)?, total_ms)
                .map_err(|what| Unexpected::new(column, what))
        };
        let pair = match (self.queue, self.event_type) {
            ("", "") => None,
            (queue, event_type) => Some((
                queue.parse().map_err(|what| Unexpected::new("queue", what))?,
                event_type.parse().map_err(|what| Unexpected::new("event_type", what))?,
            )),
        };
        Ok(MinuteRow {
            key: MinuteKey { minute: self.minute, pair },
            tally: MinuteTally {
                enqueued: self.enqueued,
                claimed: self.claimed,
                completed: self.completed,
                failed: self.failed,
                lost: self.lost,
                dead_lettered: self.dead_lettered,
                waiting: histogram("waiting_buckets", &self.waiting_buckets, self.waiting_ms)?,
                processing: histogram("processing_buckets", &self.processing_buckets, self.processing_ms)?,
            },
        })
    }
}
