//! Changing events that wait, and redriving events with changes.

use enginehouse_core::event::EventStatus;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::ids::EventId;
use enginehouse_core::input::read_json;
use enginehouse_server::dispatcher::config::{Caps, DispatchConfig};
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};
use enginehouse_store::rows::EventRecord;

use crate::harness::{Harness, ids, waiting_claim};

fn changes(patch: &str) -> Box<EventChanges> {
    Box::new(read_json(patch.as_bytes(), EventChanges::read).unwrap())
}

async fn change(harness: &Harness, event: EventId, patch: &str) -> Result<EventRecord, DispatchError> {
    harness.act(event, EventAction::Change(changes(patch))).await
}

async fn redrive(harness: &Harness, event: EventId, patch: &str) -> EventRecord {
    harness.act(event, EventAction::Redrive { changes: changes(patch), dead_letter: false }).await.unwrap()
}

/// What people did to an event, the newest last.
async fn actions(harness: &Harness, event: EventId) -> Vec<String> {
    let history = harness.store.history(event).await.unwrap();
    history.actions.iter().map(|entry| format!("{} {}", entry.action, entry.detail.as_str())).collect()
}

#[tokio::test]
async fn a_changed_event_goes_to_a_waiting_claim_that_it_suits_now_and_wakes_nobody_else() {
    let harness = Harness::new();
    harness.register("plain", "{}").await;
    harness.register("other", r#"{"capabilities":["other"]}"#).await;
    let event = harness.enqueue(r#"{"event_type":"a","required_capabilities":["gpu"],"payload":1}"#).await;
    let mut elsewhere = waiting_claim(1);
    elsewhere.filter.queues = vec!["elsewhere".parse().unwrap()];
    let unsuited = harness.try_claim("other", 1, elsewhere);
    let changing = async {
        harness.until_waiting(2).await;
        change(&harness, event, r#"{"priority":9,"labels":{"a":"b"}}"#).await.unwrap();
        assert!(harness.until_waiting_is(2).await, "neither suits them yet");
        let record = change(&harness, event, r#"{"required_capabilities":null,"payload":{ "n":2 }}"#).await.unwrap();
        harness.until_waiting(1).await;
        harness.dispatcher.shut_down();
        record
    };
    let (claimed, record, unsuited) = tokio::join!(harness.try_claim("plain", 1, waiting_claim(1)), changing, unsuited);
    let claimed = claimed.unwrap();
    assert_eq!(ids(&claimed), [event]);
    assert!(unsuited.unwrap().is_empty());
    assert_eq!((claimed[0].lane.priority, claimed[0].payload.as_str()), (9, r#"{ "n":2 }"#));
    assert_eq!((record.payload.as_str(), record.lane.required_capabilities.len()), (r#"{ "n":2 }"#, 0));
    assert_eq!(
        actions(&harness, event).await,
        [
            r#"event.change {"labels":{"from":{},"to":{"a":"b"}},"priority":{"from":5,"to":9}}"#,
            r#"event.change {"payload_replaced":true,"required_capabilities":{"from":["gpu"],"to":[]}}"#,
        ]
    );
}

#[tokio::test]
async fn a_change_moves_an_event_between_queues_lanes_and_times_and_its_counts_with_it() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let (first, second) = (
        harness.enqueue(r#"{"event_type":"a","scenario_run_id":"run"}"#).await,
        harness.enqueue(r#"{"event_type":"a"}"#).await,
    );
    // It keeps its age: an event that has waited longest in its old lane has so in its new one.
    harness.pass(5.0).await;
    let third = harness.enqueue(r#"{"event_type":"a","queue":"q","priority":3}"#).await;
    let moved = change(&harness, second, r#"{"queue":"q","priority":3}"#).await.unwrap();
    assert_eq!((moved.lane.queue.as_str(), moved.lane.priority), ("q", 3));
    let later = change(&harness, first, r#"{"delay_seconds":60,"visibility_timeout_seconds":7}"#).await.unwrap();
    assert_eq!(later.event.state.available_at, harness.clock_now() + std::time::Duration::from_secs(60));
    assert_eq!(ids(&harness.claim("e", 9).await), [second, third]);
    harness.pass(60.0).await;
    let claimed = harness.claim_one("e").await;
    assert_eq!(claimed.event.event_id, first);
    let lock = claimed.event.state.lock.clone().unwrap();
    assert_eq!(lock.visibility_timeout.as_secs(), 7);
    // It waits for a retry, and need not wait any longer.
    harness.fail(&claimed).await.unwrap();
    assert!(harness.claim("e", 1).await.is_empty());
    change(&harness, first, r#"{"run_at":null,"retry_policy":{"max_retries":0}}"#).await.unwrap();
    let claimed = harness.claim_one("e").await;
    assert_eq!(harness.fail(&claimed).await, Ok(EventStatus::Failed), "its only retry is spent");
    // Nothing of it says the same thing twice, and counts are those of the rows.
    harness.close().await;
}

#[tokio::test]
async fn only_an_event_that_waits_is_changed_and_a_refusal_leaves_nothing() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event = harness.enqueue(r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":10}}}"#).await;
    let claimed = harness.claim_one("e").await;
    for _ in 0..2 {
        let refused = change(&harness, event, r#"{"queue":"new"}"#).await.unwrap_err();
        assert!(matches!(refused, DispatchError::Refused(Refusal::Event { .. })), "{refused:?}");
        harness.complete(&claimed).await.unwrap();
    }
    let refused = change(&harness, EventId(uuid::Uuid::from_u128(7)), "{}").await.unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::NoSuchEvent(_))), "{refused:?}");
    let waits = harness.enqueue(r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":10}}}"#).await;
    let refused = change(&harness, waits, r#"{"queue":"new","retry_policy":{"retry_delay":{"max":5}}}"#).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("/retry_policy/retry_delay/initial: must be at most max"), "{refused}");
    let queues: Vec<_> = harness.store.lane_counts().await.unwrap();
    assert!(queues.iter().all(|lane| lane.lane.key.queue.as_str() == "default"), "no lane was made for it");
    assert_eq!(actions(&harness, waits).await, [""; 0]);
    change(&harness, waits, r#"{"priority":5}"#).await.unwrap();
    assert_eq!(actions(&harness, waits).await, [""; 0], "what changes nothing says nothing");
    harness.close().await;
}

#[tokio::test]
async fn a_change_is_bound_by_the_caps_of_its_new_lane() {
    let caps = Caps { max_lanes: 3, max_engines: 2, max_queued_per_queue: Some(2) };
    let harness = Harness::with(DispatchConfig { caps, ..DispatchConfig::default() });
    let event = harness.enqueue(r#"{"event_type":"a"}"#).await;
    harness.try_enqueue(&[r#"{"event_type":"b","queue":"q"}"#; 2]).await.unwrap();
    let refused = change(&harness, event, r#"{"queue":"q"}"#).await.unwrap_err().to_string();
    assert!(refused.starts_with("max_queued_per_queue is 2, and queue q has no room"), "{refused}");
    change(&harness, event, r#"{"priority":1}"#).await.unwrap();
    let refused = change(&harness, event, r#"{"priority":2}"#).await.unwrap_err().to_string();
    assert!(refused.starts_with("max_lanes is 3, and the events of this request"), "{refused}");
    // A lane that is there costs nothing.
    change(&harness, event, r#"{"priority":5}"#).await.unwrap();
    harness.close().await;
}

#[tokio::test]
async fn any_failed_or_cancelled_event_is_redriven_with_changes_and_a_fresh_budget() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.register_with("gpu", r#"{"capabilities":["gpu"]}"#, 0).await;
    let rejected = harness.enqueue(r#"{"event_type":"a","payload":1,"labels":{"a":"1"}}"#).await;
    let claimed = harness.claim_one("e").await;
    harness.kill(&claimed).await;
    let cancelled = harness.enqueue(r#"{"event_type":"a","required_memory_mb":999}"#).await;
    harness.act(cancelled, EventAction::Cancel { force: false }).await.unwrap();
    let record = redrive(
        &harness,
        rejected,
        r#"{"payload":2,"priority":0,"queue":"q","required_capabilities":["gpu"],"delay_seconds":5,"labels":{"b":"2"}}"#,
    )
    .await;
    assert_eq!((record.lane.priority, record.lane.queue.as_str(), record.payload.as_str()), (0, "q", "2"));
    assert_eq!(record.event.labels.len(), 2);
    assert_eq!(record.event.state.redrives, 1);
    redrive(&harness, cancelled, r#"{"required_memory_mb":null}"#).await;
    assert_eq!(ids(&harness.claim("e", 9).await), [cancelled]);
    harness.pass(5.0).await;
    assert!(harness.claim("e", 9).await.is_empty(), "it needs a GPU now");
    let claimed = harness.claim_one("gpu").await;
    assert_eq!((claimed.event.event_id, claimed.event.state.tally.retries), (rejected, 0));
    assert_eq!(harness.store.history(rejected).await.unwrap().attempts.len(), 1, "its history is kept");
    // Once more a dead letter, it is one of its new queue.
    harness.kill(&claimed).await;
    assert_eq!(harness.store.dead_letter(rejected).await.unwrap().unwrap().record.lane.queue.as_str(), "q");
    harness.close().await;
}
