//! Lists of events, page by page.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::transition::EventCommand;

use super::given::{
    HOUR, MINUTE, apply, claim, complete, engine_id, fail, given_events, id, ids, insert, lane, new_event, now, of_run,
    release, selectors,
};
use crate::Store;
use crate::rows::{EventFilter, NewEventRow, PageRequest};

/// All that a filter finds, page by page; and how many pages it took.
async fn find(store: &dyn Store, filter: &EventFilter, limit: u32) -> (Vec<EventId>, usize) {
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.events(filter, &PageRequest { limit, after }).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        found.extend(page.items.iter().map(|record| record.event.event_id));
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (found, pages);
        }
    }
}

/// The same, of ids alone.
async fn find_ids(store: &dyn Store, filter: &EventFilter, limit: u32) -> Vec<EventId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.event_ids(filter, &PageRequest { limit, after }).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn with_key(key: &str) -> EventFilter {
    EventFilter { idempotency_key: Some(key.to_owned()), ..Default::default() }
}

fn with_label(label: &str) -> EventFilter {
    EventFilter { label: Some(label.parse().unwrap()), ..Default::default() }
}

fn with_status(status: EventStatus) -> EventFilter {
    EventFilter { status: Some(status), ..Default::default() }
}

/// Whatever the size of a page.
pub(crate) async fn every_event_is_listed_once_newest_first(store: &dyn Store) {
    given_events(store, "render", 1..=23).await;
    for limit in [1, 5, 23, 100] {
        assert_eq!(find(store, &EventFilter::default(), limit).await.0, ids((1..=23).rev()), "{limit} per page");
    }
}

/// Each field finds its own, in every status, and together they find what all find.
pub(crate) async fn events_are_found_by_every_field(store: &dyn Store) {
    let now = now(store).await;
    let (a, b) = (lane(store, "a").await, lane(store, "b").await);
    let since = |number: u32| now - MINUTE * (60 - number);
    for number in 1..=12 {
        let lane_id = if number % 2 == 0 { a } else { b };
        let mut event = new_event(number, lane_id, since(number));
        event.event.idempotency_key = Some(format!("key {number}").into());
        event.fingerprint = Some([0; 16]);
        event.event.labels =
            [("team".to_owned(), format!("{}", number % 2)), ("a\"b".to_owned(), "é=".to_owned())].into();
        insert(store, &[if number % 3 == 0 { of_run(event, "run") } else { event }]).await;
    }
    for number in 1..=8 {
        claim(store, number, if number <= 4 { "sim-1" } else { "sim-2" }).await;
    }
    for number in [1, 5, 6] {
        apply(store, number, complete).await;
    }
    for number in [2, 7] {
        apply(store, number, |state| fail(state, false, false, "no")).await;
    }
    apply(store, 9, |_| EventCommand::Cancel).await;
    apply(store, 8, release).await;
    let any = EventFilter::default();
    let of_types = |names: &[&str]| EventFilter { within: selectors(&[], names), ..EventFilter::default() };
    let of_type = |name: &str| EventFilter { event_type: Some(name.parse().unwrap()), ..EventFilter::default() };
    let of_engine = |name: &str| EventFilter { engine_id: Some(engine_id(name)), ..EventFilter::default() };
    let of_the_run = EventFilter { scenario_run_id: Some("run".parse().unwrap()), ..any.clone() };
    for (filter, want) in [
        (with_status(EventStatus::Queued), vec![12, 11, 10, 8]),
        (with_status(EventStatus::Processing), vec![4, 3]),
        (with_status(EventStatus::Completed), vec![6, 5, 1]),
        (with_status(EventStatus::Failed), vec![7, 2]),
        (with_status(EventStatus::Cancelled), vec![9]),
        (of_type("a"), vec![12, 10, 8, 6, 4, 2]),
        (of_type("c"), vec![]),
        (EventFilter { queue: Some("default".parse().unwrap()), ..of_type("b") }, vec![11, 9, 7, 5, 3, 1]),
        (EventFilter { queue: Some("other".parse().unwrap()), ..any.clone() }, vec![]),
        (of_the_run.clone(), vec![12, 9, 6, 3]),
        (EventFilter { status: Some(EventStatus::Completed), ..of_the_run.clone() }, vec![6]),
        (EventFilter { event_type: Some("b".parse().unwrap()), ..of_the_run }, vec![9, 3]),
        (of_engine("sim-1"), vec![4, 3, 2, 1]),
        (EventFilter { status: Some(EventStatus::Processing), ..of_engine("sim-1") }, vec![4, 3]),
        (EventFilter { status: Some(EventStatus::Processing), ..of_engine("sim-2") }, vec![]),
        (EventFilter { priority: Some(5), ..of_type("a") }, vec![12, 10, 8, 6, 4, 2]),
        (EventFilter { priority: Some(4), ..any.clone() }, vec![]),
        (of_types(&["a"]), vec![12, 10, 8, 6, 4, 2]),
        (of_types(&["c", "a*"]), vec![12, 10, 8, 6, 4, 2]),
        (of_types(&["c*"]), vec![]),
        (EventFilter { status: Some(EventStatus::Queued), ..of_types(&["b"]) }, vec![11]),
        (EventFilter { event_type: Some("b".parse().unwrap()), ..of_types(&["a"]) }, vec![]),
        (EventFilter { idempotency_key: Some("key 7".to_owned()), ..of_types(&["a"]) }, vec![]),
        (EventFilter { within: selectors(&["defaul*"], &["a"]), ..any.clone() }, vec![12, 10, 8, 6, 4, 2]),
        // An underscore is no wildcard.
        (EventFilter { within: selectors(&["defaul_"], &[]), ..any.clone() }, vec![]),
        (with_key("key 7"), vec![7]),
        (with_key("key"), vec![]),
        (EventFilter { status: Some(EventStatus::Failed), ..with_key("key 7") }, vec![7]),
        (EventFilter { status: Some(EventStatus::Queued), ..with_key("key 7") }, vec![]),
        (EventFilter { scenario_run_id: Some("run".parse().unwrap()), ..with_key("key 9") }, vec![9]),
        (EventFilter { scenario_run_id: Some("run".parse().unwrap()), ..with_key("key 8") }, vec![]),
        (with_label("team=0"), vec![12, 10, 8, 6, 4, 2]),
        (EventFilter { status: Some(EventStatus::Completed), ..with_label("team=1") }, vec![5, 1]),
        (EventFilter { scenario_run_id: Some("run".parse().unwrap()), ..with_label("team=1") }, vec![9, 3]),
        (with_label("team="), vec![]),
        (with_label("crew=0"), vec![]),
        (EventFilter { available_after: Some(since(11)), ..any.clone() }, vec![12, 11]),
        (EventFilter { enqueued_after: Some(since(11)), ..any.clone() }, vec![12, 11]),
        (EventFilter { enqueued_before: Some(since(3)), ..any.clone() }, vec![2, 1]),
        (
            EventFilter {
                enqueued_after: Some(since(5)),
                enqueued_before: Some(since(8)),
                event_type: Some("b".parse().unwrap()),
                ..any
            },
            vec![7, 5],
        ),
    ] {
        for limit in [1, 2, 50] {
            let found = find(store, &filter, limit).await.0;
            assert_eq!(found, ids(want.clone()), "{filter:?}, {limit} per page");
            assert_eq!(find_ids(store, &filter, limit).await, found, "{filter:?}, {limit} per page");
        }
    }
}

/// Somebody edits a URL.
pub(crate) async fn a_place_that_no_page_has_answered_fails_nothing(store: &dyn Store) {
    given_events(store, "render", 1..=3).await;
    for place in ["", "x", "'; drop table events", "\u{0}", "\u{1f980}", &"9".repeat(10_000)] {
        let page = PageRequest { limit: 10, after: Some(place.to_owned()) };
        store.events(&EventFilter::default(), &page).await.unwrap();
        store.events(&with_status(EventStatus::Queued), &page).await.unwrap();
        store.engines(&crate::rows::EngineFilter::default(), &page).await.unwrap();
        store.scenario_runs(&page).await.unwrap();
    }
    let page = PageRequest { limit: 10, after: Some(id(2).to_string()) };
    let found = store.events(&EventFilter::default(), &page).await.unwrap();
    assert_eq!(found.items.len(), 1);
}

/// A thousand large payloads would be more than a server should hold at once.
pub(crate) async fn a_page_holds_a_bounded_number_of_bytes(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let payload = RawJson::trusted(format!("\"{}\"", "x".repeat(262_142)));
    for number in 1..=40 {
        insert(store, &[NewEventRow { payload: payload.clone(), ..new_event(number, lane_id, now) }]).await;
    }
    let page = store.events(&EventFilter::default(), &PageRequest { limit: 1_000, after: None }).await.unwrap();
    let bytes: usize = page.items.iter().map(|record| record.payload.as_str().len()).sum();
    assert!(bytes <= 9 * 1024 * 1024, "{bytes}");
    let (found, pages) = find(store, &EventFilter::default(), 1_000).await;
    assert_eq!(found, ids((1..=40).rev()));
    assert!(pages > 1);
}

/// However far apart: a page that has looked at much and found little says where to go on.
pub(crate) async fn a_search_goes_on_until_all_has_been_looked_at(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    for first in (1..=42_000).step_by(2_000) {
        let enqueued = |number: u32| {
            let mut event = new_event(number, lane_id, now);
            event.event.enqueued_at = now + Duration::from_millis(number.into());
            event
        };
        insert(store, &(first..first + 2_000).map(enqueued).collect::<Vec<_>>()).await;
    }
    let oldest = EventFilter {
        enqueued_before: Some(now + Duration::from_millis(3)),
        enqueued_after: Some(now - HOUR),
        ..Default::default()
    };
    assert_eq!(find(store, &oldest, 10).await.0, ids([2, 1]));
    let queued = EventFilter { status: Some(EventStatus::Queued), ..oldest };
    assert_eq!(find(store, &queued, 10).await.0, ids([2, 1]));
    assert_eq!(find_ids(store, &queued, 10).await, ids([2, 1]));
}
