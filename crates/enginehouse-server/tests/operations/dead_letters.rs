use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_server::dispatcher::dead_letters::{DiscardPage, RedrivePage};
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_store::rows::DeadLetterFilter;

use crate::harness::{Harness, ids};

fn with(payload: Option<RawJson>) -> Box<EventChanges> {
    Box::new(EventChanges { payload, ..EventChanges::default() })
}

async fn dead(harness: &Harness, event_type: &str) -> EventId {
    let event = harness.enqueue(&format!(r#"{{"event_type":"{event_type}","payload":{{"n":1}}}}"#)).await;
    let claimed = harness.claim_one("e").await;
    harness.kill(&claimed).await;
    event
}

#[tokio::test]
async fn a_redriven_event_has_its_new_payload_and_a_fresh_budget() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event = dead(&harness, "a").await;
    let payload = RawJson::trusted(r#"{ "n" : 2.0 }"#);
    harness.act(event, EventAction::Redrive { changes: with(Some(payload)), dead_letter: true }).await.unwrap();
    assert!(harness.store.dead_letter(event).await.unwrap().is_none());
    let claimed = harness.claim_one("e").await;
    assert_eq!(claimed.payload.as_str(), r#"{ "n" : 2.0 }"#);
    let state = &claimed.event.state;
    assert_eq!((state.redrives, state.tally.retries, state.tally.failures), (1, 0, 1));
    assert!(
        harness.act(event, EventAction::Redrive { changes: with(None), dead_letter: true }).await.is_err(),
        "it is no dead letter any more"
    );
    harness.kill(&claimed).await;
    let again = harness.store.dead_letter(event).await.unwrap().unwrap();
    assert_eq!(again.record.event.state.redrives, 1);
    harness.close().await;
}

#[tokio::test]
async fn a_discarded_event_stays_failed_and_its_reason_is_kept() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event = dead(&harness, "a").await;
    let discard = EventAction::Discard { reason: Some("customer is gone".to_owned()) };
    assert_eq!(harness.act(event, discard).await.unwrap().event.state.status, EventStatus::Failed);
    assert_eq!(harness.count().await, (1, 0));
    let history = harness.store.history(event).await.unwrap();
    assert_eq!(history.actions[0].detail.as_str(), r#"{"dead_letter_reason":"requested","reason":"customer is gone"}"#);
    harness.close().await;
}

#[tokio::test]
async fn a_bulk_redrive_takes_what_matches_one_behind_the_other() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let mut wanted = Vec::new();
    for _ in 0..3 {
        wanted.push(dead(&harness, "a").await);
    }
    let other = dead(&harness, "b").await;
    let filter = DeadLetterFilter { event_type: Some("a".parse().unwrap()), ..DeadLetterFilter::default() };
    let page =
        |limit| RedrivePage { filter: filter.clone(), limit, spacing: Duration::from_secs(10), delay: Duration::ZERO };
    let count = harness.execute(page(2)).await.unwrap();
    assert_eq!(count, 2);
    assert_eq!(ids(&harness.claim("e", 9).await), wanted[..1]);
    harness.pass(10.0).await;
    assert_eq!(ids(&harness.claim("e", 9).await), wanted[1..2]);
    let count = harness.execute(page(9)).await.unwrap();
    assert_eq!(count, 1);
    assert!(harness.store.dead_letter(other).await.unwrap().is_some());
    harness.close().await;
}

#[tokio::test]
async fn a_bulk_discard_takes_what_matches() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    dead(&harness, "a").await;
    dead(&harness, "b").await;
    let filter = DeadLetterFilter { queue: Some("default".parse().unwrap()), ..DeadLetterFilter::default() };
    let discard = DiscardPage { filter, limit: 100, reason: None };
    let count = harness.execute(discard).await.unwrap();
    assert_eq!((count, harness.count().await), (2, (2, 0)));
    harness.close().await;
}
