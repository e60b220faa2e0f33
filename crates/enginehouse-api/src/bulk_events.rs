//! People act on all events that match a filter: a bounded number with each call.

use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::EventId;
use enginehouse_core::input::Value;
use enginehouse_core::limits::MAX_BATCH;
use enginehouse_core::read_fields;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{Cursor, ListKind, read_cursor};

/// How many events one call is about that names no limit.
pub const DEFAULT_BULK: u32 = 1_000;
/// The most that one call may be about: as many as one batch.
pub const MAX_BULK: u32 = MAX_BATCH as u32;

/// Cancel all events that match and can be cancelled, newest first: the queued ones, then those that are processing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkCancelRequest {
    /// Which ones. One that matches all is refused unless `all` is true.
    #[serde(default)]
    pub filter: EventFilter,
    /// Says that every event is meant. Not together with a filter.
    #[serde(default)]
    pub all: bool,
    /// Whether to take the locks away from engines that work on them, instead of asking these to stop.
    #[serde(default)]
    pub force: bool,
    /// Whether to say what would be done, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// How many events this call is about at most; 1 to 10,000, 1,000 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the call before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "cursor", pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
}

/// Make all queued events that match, and that wait for their time, available now, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRetryRequest {
    /// Which ones. One that matches all is refused unless `all` is true.
    #[serde(default)]
    pub filter: EventFilter,
    /// Says that every event is meant. Not together with a filter.
    #[serde(default)]
    pub all: bool,
    /// Whether to say what would be done, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// How many events this call is about at most; 1 to 10,000, 1,000 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the call before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "cursor", pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
}

/// Which events a bulk action is about, checked.
#[derive(Clone, Debug)]
pub struct BulkScope {
    pub filter: EventFilter,
    pub dry_run: bool,
    pub limit: u32,
    /// Where the call before ended.
    pub after: Option<String>,
}

impl BulkCancelRequest {
    /// Answers the scope, and whether force is to be used.
    pub fn read(value: Value<'_>) -> Option<(BulkScope, bool)> {
        read_fields!(value;
            filter: or_default(EventFilter::read),
            all: or_default(|value| value.boolean()),
            force: or_default(|value| value.boolean()),
            dry_run: or_default(|value| value.boolean()),
            limit: optional(|value| value.whole(1..=MAX_BULK)),
            cursor: optional(|value| read_cursor(value, ListKind::BulkEvents)),
        );
        let (filter, all) = (filter?, all?);
        refuse_unclear_scope(value, &filter, all);
        if filter.status.is_some_and(|status| status.is_final()) {
            value.refuse_field("filter", "status must be queued or processing: no other event can be cancelled");
        }
        Some((scope(filter, dry_run?, limit, cursor), force?))
    }
}

impl BulkRetryRequest {
    pub fn read(value: Value<'_>) -> Option<BulkScope> {
        read_fields!(value;
            filter: or_default(EventFilter::read),
            all: or_default(|value| value.boolean()),
            dry_run: or_default(|value| value.boolean()),
            limit: optional(|value| value.whole(1..=MAX_BULK)),
            cursor: optional(|value| read_cursor(value, ListKind::BulkEvents)),
        );
        let (filter, all) = (filter?, all?);
        refuse_unclear_scope(value, &filter, all);
        if filter.status.is_some_and(|status| status.name() != "queued") {
            value.refuse_field("filter", "status must be queued: no other event waits for its time");
        }
        Some(scope(filter, dry_run?, limit, cursor))
    }
}

fn scope(filter: EventFilter, dry_run: bool, limit: Option<u32>, cursor: Option<Cursor>) -> BulkScope {
    BulkScope { filter, dry_run, limit: limit.unwrap_or(DEFAULT_BULK), after: cursor.map(|cursor| cursor.place) }
}

/// An empty filter is more often a mistake than a wish, so the wish has to be said.
fn refuse_unclear_scope(request: Value<'_>, filter: &EventFilter, all: bool) {
    match (all, filter.is_empty()) {
        (true, false) => request.refuse_field("all", "give a filter or all, not both"),
        (false, true) => request.refuse_field("filter", "give a filter, or say all: true"),
        _ => {}
    }
}

/// What one call of a bulk action has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkEventsResponse {
    /// The events that matched, in the order in which they were acted on; in a dry run, those that would be.
    pub event_ids: Vec<EventId>,
    /// How many of them are cancelled, or available, now; 0 in a dry run.
    pub changed: u64,
    /// How many of them are cancelled as soon as their engines stop, which are asked to with their next heartbeat.
    pub asked_to_stop: u64,
    /// How many of them had moved on when it was their turn, or were asked to stop before; 0 in a dry run.
    pub unchanged: u64,
    /// Send it as `cursor`, with the same filter, to go on; null when all that match have had their turn. A call may be about
    /// fewer events than its limit, or none, and still have a successor: it looks at a bounded number of events.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use enginehouse_core::input::read_json;

    use super::*;

    #[test]
    fn what_is_meant_has_to_be_said() {
        let cancel = |json: &str| match read_json(json.as_bytes(), BulkCancelRequest::read) {
            Ok(_) => String::new(),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(cancel("{}"), "/filter: give a filter, or say all: true");
        assert_eq!(cancel(r#"{"all":true}"#), "");
        assert_eq!(cancel(r#"{"filter":{"label":"team=a","priority":3},"limit":10000}"#), "");
        assert_eq!(cancel(r#"{"all":true,"filter":{"queue":"a"}}"#), "/all: give a filter or all, not both");
        assert_eq!(
            cancel(r#"{"filter":{"status":"failed"}}"#),
            "/filter: status must be queued or processing: no other event can be cancelled"
        );
        assert!(cancel(r#"{"all":true,"limit":10001}"#).starts_with("/limit: must be"));
        let retry = |json: &str| read_json(json.as_bytes(), BulkRetryRequest::read).err().unwrap().to_string();
        assert_eq!(
            retry(r#"{"filter":{"status":"processing"}}"#),
            "/filter: status must be queued: no other event waits for its time"
        );
        assert!(retry(r#"{"all":true,"force":true}"#).starts_with("/force: "));
    }

    #[test]
    fn what_a_client_sends_is_read() {
        let filter = EventFilter { priority: Some(3), label: Some("a=b".parse().unwrap()), ..EventFilter::default() };
        let request = BulkCancelRequest { filter: filter.clone(), limit: Some(7), force: true, ..Default::default() };
        let json = serde_json::to_vec(&request).unwrap();
        let (scope, force) = read_json(&json, BulkCancelRequest::read).unwrap();
        assert_eq!((scope.filter, scope.limit, scope.dry_run, force), (filter, 7, false, true));
    }
}
