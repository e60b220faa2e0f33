//! Histograms of durations: a row for each day, event type, engine version and kind.

use std::borrow::Cow;
use std::sync::Arc;

use enginehouse_core::durations::{DurationHistogram, DurationKind};
use enginehouse_core::ids::EventType;
use enginehouse_core::time::Timestamp;

use super::column::{Unexpected, columns, from_json, json_text};
use crate::rows::DurationRow;

columns! {
    pub(crate) struct DurationColumns<'a> {
        event_type: Cow<'a, EventType> as Text,
        /// Empty for engines that declare none: nothing is part of no key.
        engine_version: &'a str as Text,
        day: Timestamp as Time,
        kind: DurationKind as Text,
        total_ms: u64 as Long,
        buckets: Cow<'a, str> as Json,
    }
}

impl<'a> DurationColumns<'a> {
    pub(crate) fn of(row: &'a DurationRow) -> Self {
        let DurationRow { event_type, engine_version, day, kind, histogram } = row;
        Self {
            event_type: Cow::Borrowed(event_type),
            engine_version: engine_version.as_deref().unwrap_or_default(),
            day: *day,
            kind: *kind,
            total_ms: histogram.total_ms(),
            buckets: json_text(histogram.buckets()),
        }
    }

    pub(crate) fn into_row(self) -> Result<DurationRow, Unexpected> {
        let histogram = DurationHistogram::from_parts(from_json("buckets", &self.buckets)?, self.total_ms);
        Ok(DurationRow {
            event_type: self.event_type.into_owned(),
            engine_version: Some(self.engine_version).filter(|version| !version.is_empty()).map(Arc::from),
            day: self.day,
            kind: self.kind,
            histogram: histogram.map_err(|what| Unexpected::new("buckets", what))?,
        })
    }
}
