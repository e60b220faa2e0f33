//! An engine in quarantine is given nothing of what it is kept from, and keeps nobody else from it.

use std::time::Duration;

use enginehouse_core::ids::EngineId;
use enginehouse_core::quarantine::Quarantine;
use enginehouse_server::dispatcher::engines::{LiftQuarantine, PutInQuarantine};
use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};
use serde_json::json;

use crate::harness::{Harness, START, ids, waiting_claim};

/// Quarantines an engine, for so many seconds or until it is lifted, for some event types or all.
async fn quarantine(harness: &Harness, engine: &str, seconds: Option<u64>, event_types: &[&str]) {
    let now = harness.clock_now();
    let quarantine = Quarantine {
        reason: "its fan is loud".to_owned(),
        since: now,
        until: seconds.map(|seconds| now + Duration::from_secs(seconds)),
        event_types: event_types.iter().map(|name| name.parse().unwrap()).collect(),
    };
    let engine_id: EngineId = engine.parse().unwrap();
    let engine = harness.execute(PutInQuarantine { engine_id, quarantine: quarantine.clone() }).await.unwrap();
    assert_eq!(engine.quarantine, Some(quarantine));
}

#[tokio::test]
async fn an_engine_in_quarantine_finishes_what_it_holds_and_is_given_nothing_more_until_it_is_lifted() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue_many(3).await;
    let held = harness.claim_one("e").await;
    quarantine(&harness, "e", None, &[]).await;
    assert!(harness.claim("e", 9).await.is_empty());
    harness.complete(&held).await.unwrap();
    // Neither a registration anew nor a restart ends it.
    assert_eq!(harness.register_with("e", "{}", 0).await, 2);
    let harness = harness.restart();
    assert!(harness.try_claim("e", 2, crate::harness::claim(9)).await.unwrap().is_empty());
    assert_eq!(harness.execute(LiftQuarantine("e".parse().unwrap())).await.unwrap().quarantine, None);
    assert_eq!(harness.try_claim("e", 2, crate::harness::claim(9)).await.unwrap().len(), 2);
    let unknown = harness.execute(LiftQuarantine("nobody".parse().unwrap())).await.unwrap_err();
    assert!(matches!(unknown, DispatchError::Refused(Refusal::EngineNotRegistered(_))), "{unknown:?}");
    harness.close().await;
}

#[tokio::test]
async fn a_quarantine_for_some_event_types_leaves_the_others() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    quarantine(&harness, "e", None, &["bad", "worse"]).await;
    for event_type in ["bad", "good", "worse"] {
        harness.enqueue(&format!(r#"{{"event_type":"{event_type}"}}"#)).await;
    }
    let given = harness.claim("e", 9).await;
    let types: Vec<_> = given.iter().map(|claimed| claimed.lane.event_type.as_str()).collect();
    assert_eq!(types, ["good"]);
    harness.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_in_quarantine_takes_no_event_from_another() {
    let harness = Harness::new();
    for engine in ["kept", "other"] {
        harness.register_with(engine, "{}", 0).await;
    }
    quarantine(&harness, "kept", None, &["work"]).await;
    let kept = async { harness.try_claim("kept", 1, waiting_claim(1)).await.unwrap() };
    let other = async {
        harness.until_waiting(1).await;
        harness.try_claim("other", 1, waiting_claim(1)).await.unwrap()
    };
    let rest = async {
        harness.until_waiting(2).await;
        harness.pass(0.0).await;
        let first = harness.enqueue_many(1).await;
        harness.until_waiting(1).await;
        let second = harness.enqueue_many(1).await;
        assert!(harness.until_waiting_is(1).await, "it waits still");
        harness.execute(LiftQuarantine("kept".parse().unwrap())).await.unwrap();
        (first, second)
    };
    let (kept, other, (first, second)) = tokio::join!(kept, other, rest);
    assert_eq!((ids(&other), ids(&kept)), (first, second));
    harness.close().await;
}

#[tokio::test]
async fn a_claim_that_waits_is_given_what_waits_when_its_quarantine_ends() {
    let harness = Harness::new();
    harness.register_with("kept", "{}", 0).await;
    let enqueued = harness.enqueue_many(1).await;
    quarantine(&harness, "kept", Some(600), &[]).await;
    let kept = async { harness.try_claim("kept", 1, waiting_claim(1)).await.unwrap() };
    let rest = async {
        harness.until_waiting(1).await;
        harness.pass(599.0).await;
        assert!(harness.until_waiting_is(1).await, "it is not over");
        harness.pass(1.0).await;
    };
    let (kept, ()) = tokio::join!(kept, rest);
    assert_eq!(ids(&kept), enqueued);
    assert_eq!(harness.clock_now(), START + Duration::from_secs(600));
    harness.close().await;
}

#[tokio::test]
async fn the_audit_log_has_each_quarantine_and_what_was_lifted() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let lift = async || harness.execute(LiftQuarantine("e".parse().unwrap())).await.unwrap();
    lift().await;
    assert_eq!(harness.audit("e"), [], "nothing was lifted");
    quarantine(&harness, "e", Some(60), &["work"]).await;
    quarantine(&harness, "e", None, &[]).await;
    lift().await;
    lift().await;
    quarantine(&harness, "e", Some(60), &[]).await;
    harness.pass(60.0).await;
    // One that has ended by itself is none that somebody could lift.
    lift().await;
    let since = START.to_string();
    let of = |until: Option<u64>, event_types: &[&str]| {
        let until = until.map(|seconds| (START + Duration::from_secs(seconds)).to_string());
        json!({ "reason": "its fan is loud", "since": since, "until": until, "event_types": event_types })
    };
    let put = |quarantine| json!({ "quarantine": quarantine });
    let expected = [
        ("engine.quarantine", put(of(Some(60), &["work"]))),
        ("engine.quarantine", put(of(None, &[]))),
        ("engine.lift", json!({ "quarantine": of(None, &[]), "automatic_quarantines": [] })),
        ("engine.quarantine", put(of(Some(60), &[]))),
    ];
    assert_eq!(harness.audit("e"), expected.map(|(action, detail)| (action.to_owned(), detail)));
    harness.close().await;
}
