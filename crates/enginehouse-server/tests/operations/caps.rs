//! Bounds of what callers can make grow.

use std::time::Duration;

use enginehouse_core::access::session::SessionProof;
use enginehouse_core::engine::Registration;
use enginehouse_core::input::read_json;
use enginehouse_core::policy::Settings;
use enginehouse_server::dispatcher::config::{Caps, DispatchConfig};
use enginehouse_server::dispatcher::engines::{Deregister, Register};
use enginehouse_server::dispatcher::settings::{ChangeQueue, SettingsChange};

use crate::harness::Harness;

fn capped() -> Harness {
    let caps = Caps { max_lanes: 3, max_engines: 2, max_queued_per_queue: Some(4) };
    Harness::with(DispatchConfig { caps, ..DispatchConfig::default() })
}

#[tokio::test]
async fn a_lane_past_the_bound_is_refused_and_known_ones_go_on() {
    let harness = capped();
    harness.enqueue(r#"{"event_type":"a"}"#).await;
    harness.try_enqueue(&[r#"{"event_type":"b"}"#, r#"{"event_type":"b","priority":1}"#]).await.unwrap();
    for drafts in [&[r#"{"event_type":"c"}"#][..], &[r#"{"event_type":"a"}"#, r#"{"event_type":"a","priority":3}"#]] {
        let refused = harness.try_enqueue(drafts).await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "max_lanes is 3, and the events of this request would need more lanes than that: among those that there \
             are, event_type varies most, with 2 values"
        );
    }
    harness.enqueue(r#"{"event_type":"a"}"#).await;
    harness.close().await;
}

#[tokio::test]
async fn requests_of_one_batch_share_the_room() {
    let harness = capped();
    let drafts: Vec<_> =
        (0..8).map(|number| format!(r#"{{"event_type":"type-{number}","queue":"q{number}"}}"#)).collect();
    let drafts: Vec<_> = drafts.iter().map(|draft| [draft.as_str()]).collect();
    let answers = futures_util::future::join_all(drafts.iter().map(|draft| harness.try_enqueue(draft))).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    // Transactions that overlap do not see each other's lanes: each may add what it has room for.
    let most = if crate::ON == crate::under_test::Kind::Postgres { 7 } else { 3 };
    assert!((3..=most).contains(&accepted), "{accepted}");
    harness.close().await;
}

#[tokio::test]
async fn a_full_queue_is_refused_until_events_leave_it() {
    let harness = capped();
    harness.register("e", "{}").await;
    let drafts = [r#"{"event_type":"a","queue":"q"}"#; 4];
    harness.try_enqueue(&drafts).await.unwrap();
    let refused = harness.try_enqueue(&drafts[..1]).await.unwrap_err().to_string();
    assert_eq!(refused, "max_queued_per_queue is 4, and queue q has no room for the events of this request");
    harness.enqueue(r#"{"event_type":"a"}"#).await;
    harness.claim("e", 5).await;
    harness.try_enqueue(&drafts).await.unwrap();
    harness.close().await;
}

#[tokio::test]
async fn a_new_engine_past_the_bound_is_refused_and_known_ones_register_again() {
    let harness = capped();
    harness.register("one", "{}").await;
    harness.register("two", "{}").await;
    harness.register("one", "{}").await;
    harness
        .execute(Deregister { engine_id: "two".parse().unwrap(), epoch: None, session: SessionProof::default() })
        .await
        .unwrap();
    let three = read_json(br#"{"engine_type":"sim"}"#, |value| Registration::read(value, |_| "three".parse().unwrap()));
    let refused = harness.execute(Register::new(three.unwrap())).await.unwrap_err().to_string();
    assert_eq!(refused, "max_engines is 2, and so many are registered or were until lately: engine_id varies too much");
    harness.register("two", "{}").await;
    harness.close().await;
}

#[tokio::test]
async fn an_engine_without_heartbeats_is_forgotten_when_it_has_not_called_for_long() {
    let harness = Harness::new();
    for engine_id in ["calls", "silent"] {
        harness.register_with(engine_id, "{}", 0).await;
    }
    let days = |days: u64| Duration::from_secs(days * 86_400).as_secs_f64();
    for _ in 0..4 {
        harness.pass(days(9)).await;
        harness.claim("calls", 1).await;
    }
    harness.pass(600.0).await;
    for (engine_id, is_known) in [("calls", true), ("silent", false)] {
        let engine = harness.store.engine(&engine_id.parse().unwrap()).await.unwrap();
        assert_eq!(engine.is_some(), is_known, "{engine_id}");
    }
    harness.close().await;
}

#[tokio::test]
async fn settings_of_a_queue_are_kept_for_so_many_names() {
    if crate::ON == crate::under_test::Kind::Postgres {
        // The rule is the same, and each of so many changes would be a transaction of its own.
        return;
    }
    let harness = Harness::new();
    let set = |queue: String| {
        harness.execute(ChangeQueue {
            queue: queue.parse().unwrap(),
            change: SettingsChange::Replace(Settings::default()),
        })
    };
    let queues = (0..enginehouse_core::limits::MAX_SETTINGS).map(|number| set(format!("q{number}")));
    for changed in futures_util::future::join_all(queues).await {
        changed.unwrap();
    }
    let refused = set("one-more".to_owned()).await.unwrap_err().to_string();
    assert_eq!(refused, "at most 10000 of a kind have settings of their own: queue varies too much");
    set("q7".to_owned()).await.unwrap();
    harness.close().await;
}
