//! Events that are of no use after a while.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::ids::EventId;
use enginehouse_core::input::read_json;
use enginehouse_server::dispatcher::event_actions::EventAction;

use crate::harness::{Harness, ids, waiting_claim};

const EXPIRING: &str =
    r#"{"event_type":"a","expires_after_seconds":60,"retry_policy":{"retry_delay":{"initial":30,"jitter":0}}}"#;

fn changes(patch: &str) -> Box<EventChanges> {
    Box::new(read_json(patch.as_bytes(), EventChanges::read).unwrap())
}

async fn end_of(harness: &Harness, event: EventId) -> (EventStatus, String) {
    let state = harness.event(event).await.event.state;
    (state.status, state.last_error.and_then(|error| error.code).unwrap_or_default())
}

#[tokio::test]
async fn an_event_that_nobody_has_claimed_in_time_is_cancelled_as_expired() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let expiring = harness.enqueue(EXPIRING).await;
    let delayed = harness.enqueue(&EXPIRING.replace("{\"event", "{\"delay_seconds\":30,\"event")).await;
    let lasting = harness.enqueue(r#"{"event_type":"b"}"#).await;
    harness.pass(59.999).await;
    assert_eq!(harness.status(expiring).await, EventStatus::Queued);
    harness.pass(0.001).await;
    assert_eq!(end_of(&harness, expiring).await, (EventStatus::Cancelled, "expired".to_owned()));
    assert_eq!(harness.status(delayed).await, EventStatus::Queued, "its time counts from when it came due");
    let history = harness.store.history(expiring).await.unwrap();
    assert_eq!(history.actions.iter().map(|action| action.action.as_str()).collect::<Vec<_>>(), ["event.expire"]);
    harness.pass(30.0).await;
    assert_eq!(end_of(&harness, delayed).await.0, EventStatus::Cancelled);
    assert_eq!(ids(&harness.claim("e", 9).await), [lasting]);
    harness.close().await;
}

#[tokio::test]
async fn no_claim_is_given_an_event_after_its_time_whether_or_not_the_sweep_has_come_by() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let drafts = vec![EXPIRING; 300];
    harness.try_enqueue(&drafts).await.unwrap();
    let lasting = harness.enqueue(r#"{"event_type":"a","priority":5}"#).await;
    // The claim comes before the sweep that is due.
    harness.clock.advance(Duration::from_secs(60));
    let claimed = harness.claim("e", 9).await;
    assert!(ids(&claimed).is_empty() || ids(&claimed) == [lasting]);
    harness.pass(0.0).await;
    let given = if claimed.is_empty() { ids(&harness.claim("e", 9).await) } else { ids(&claimed) };
    assert_eq!(given, [lasting], "what stands behind them is found");
    let counts = harness.store.lane_counts().await.unwrap();
    assert_eq!(counts.iter().map(|lane| lane.counts.cancelled).sum::<u64>(), 300);
    harness.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_is_given_what_stands_behind_events_that_expired() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness
        .enqueue(&EXPIRING.replace("\"event_type\"", "\"delay_seconds\":1,\"event_type\"").replace(":60", ":1"))
        .await;
    let behind = harness.enqueue(r#"{"event_type":"a","delay_seconds":1.5}"#).await;
    let waiting = harness.try_claim("e", 1, waiting_claim(1));
    let passing = async {
        harness.until_waiting(1).await;
        harness.pass(2.0).await;
    };
    let (claimed, ()) = tokio::join!(waiting, passing);
    assert_eq!(ids(&claimed.unwrap()), [behind]);
    harness.close().await;
}

#[tokio::test]
async fn an_attempt_goes_on_after_the_time_and_a_retry_does_not() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let completes = harness.enqueue(EXPIRING).await;
    let fails = harness.enqueue(EXPIRING).await;
    let waits = harness.enqueue(EXPIRING).await;
    let claimed = harness.claim("e", 3).await;
    harness.pass(40.0).await;
    assert_eq!(harness.fail(&claimed[2]).await, Ok(EventStatus::Queued));
    harness.pass(20.0).await;
    assert_eq!(
        end_of(&harness, waits).await,
        (EventStatus::Cancelled, "expired".to_owned()),
        "while it waits for a retry"
    );
    harness.pass(10.0).await;
    assert_eq!(harness.complete(&claimed[0]).await, Ok(EventStatus::Completed));
    assert_eq!(harness.fail(&claimed[1]).await, Ok(EventStatus::Queued));
    harness.pass(0.0).await;
    assert_eq!(end_of(&harness, fails).await, (EventStatus::Cancelled, "expired".to_owned()));
    assert_eq!(harness.status(completes).await, EventStatus::Completed);
    harness.close().await;
}

#[tokio::test]
async fn an_expired_event_is_redriven_without_its_expiry_and_a_waiting_one_is_given_another() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let (plain, anew) = (harness.enqueue(EXPIRING).await, harness.enqueue(EXPIRING).await);
    let longer = harness.enqueue(EXPIRING).await;
    let act = async |event, action| harness.act(event, action).await;
    act(longer, EventAction::Change(changes(r#"{"expires_after_seconds":100}"#))).await.unwrap();
    let late = act(longer, EventAction::Change(changes(r#"{"delay_seconds":100}"#))).await.unwrap_err().to_string();
    assert!(late.contains("/expires_after_seconds: required: the event expires at"), "{late}");
    // In the queue of what is due, so that a restart finds it.
    let harness = harness.restart_after(60.0);
    harness.pass(0.0).await;
    assert_eq!(harness.status(longer).await, EventStatus::Queued);
    let act = async |event, action| harness.act(event, action).await;
    let redrive = |patch: &str| EventAction::Redrive { changes: changes(patch), dead_letter: false };
    let redriven = act(plain, redrive("{}")).await.unwrap();
    assert_eq!(redriven.event.state.expires_at, None);
    act(anew, redrive(r#"{"expires_after_seconds":5}"#)).await.unwrap();
    harness.pass(5.0).await;
    assert_eq!(end_of(&harness, anew).await.0, EventStatus::Cancelled);
    act(longer, EventAction::Change(changes(r#"{"expires_after_seconds":null}"#))).await.unwrap();
    harness.pass(999.0).await;
    assert_eq!(harness.claim("e", 9).await.len(), 2);
    harness.close().await;
}
