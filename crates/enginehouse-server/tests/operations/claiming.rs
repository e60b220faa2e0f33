use std::time::Duration;

use enginehouse_core::engine::DynamicState;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::policy::Settings;
use enginehouse_core::request::{Affinity, Claim, Exchange, Heartbeat};
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::settings::{ChangeEventType, ChangeQueue, SettingsChange};
use serde_json::json;

use crate::harness::{Harness, START, claim, ids};

#[tokio::test]
async fn the_best_priority_comes_first_and_within_it_the_oldest() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let low = harness.enqueue(r#"{"event_type":"a","priority":7}"#).await;
    let old = harness.enqueue(r#"{"event_type":"b"}"#).await;
    harness.pass(1.0).await;
    let young = harness.enqueue(r#"{"event_type":"a"}"#).await;
    let urgent = harness.enqueue(r#"{"event_type":"c","priority":0}"#).await;
    assert_eq!(ids(&harness.claim("e", 3).await), [urgent, old, young]);
    assert_eq!(ids(&harness.claim("e", 3).await), [low]);
    harness.close().await;
}

#[tokio::test]
async fn an_engine_gets_only_what_it_is_capable_of() {
    let harness = Harness::new();
    harness.register("plain", "{}").await;
    harness.register("special", r#"{"capabilities":["gpu","cuda-12"],"engine_software_version":"1.5.0"}"#).await;
    let gpu = harness.enqueue(r#"{"event_type":"a","required_capabilities":["gpu"],"priority":0}"#).await;
    let newer = harness.enqueue(r#"{"event_type":"a","engine_version":">=2","priority":0}"#).await;
    let any = harness.enqueue(r#"{"event_type":"a"}"#).await;
    assert_eq!(ids(&harness.claim("plain", 10).await), [any]);
    assert_eq!(ids(&harness.claim("special", 10).await), [gpu]);
    harness.register("newest", r#"{"engine_software_version":"2.0.1"}"#).await;
    assert_eq!(ids(&harness.claim("newest", 10).await), [newer]);
    harness.close().await;
}

#[tokio::test]
async fn an_engine_never_holds_more_than_it_declared() {
    let harness = Harness::new();
    harness.register("e", r#"{"resource_limits":{"max_concurrent_events":4,"memory_limit_mb":1000}}"#).await;
    let big = r#"{"event_type":"big","required_memory_mb":600}"#;
    let small = r#"{"event_type":"small","required_memory_mb":100}"#;
    harness.try_enqueue(&[big, big, small, small, small, small]).await.unwrap();
    let first = harness.claim("e", 1_000).await;
    let types: Vec<_> = first.iter().map(|claimed| claimed.lane.event_type.as_str()).collect();
    assert_eq!(types, ["big", "small", "small", "small"], "600 + 3 * 100, and 4 locks");
    assert!(harness.claim("e", 1_000).await.is_empty());
    harness.complete(&first[0]).await.unwrap();
    let next = harness.claim("e", 1_000).await;
    assert_eq!(next[0].lane.event_type.as_str(), "big", "there is room for the other big one now");
    harness.close().await;
}

#[tokio::test]
async fn an_engine_over_its_pressure_marks_gets_nothing_until_it_has_recovered() {
    let harness = Harness::with(DispatchConfig { max_cpu_percent: Some(90.0), ..DispatchConfig::default() });
    harness.register("e", r#"{"resource_limits":{"memory_limit_mb":1000}}"#).await;
    harness.enqueue_many(3).await;
    for (cpu, memory, want) in [(95, 10, 0), (50, 1_001, 0), (50, 900, 1)] {
        let state = format!(r#"{{"resource_utilization":{{"cpu_percent":{cpu},"memory_usage_mb":{memory}}}}}"#);
        let state: DynamicState = serde_json::from_str(&state).unwrap();
        let heartbeat = Heartbeat { dynamic_state: Some(state), ..Heartbeat::default() };
        let exchange = Exchange { heartbeat: Some(heartbeat), claim: Some(claim(1)), ..Exchange::default() };
        let got = harness.exchange("e", 1, exchange).await.unwrap().claimed.unwrap().len();
        assert_eq!(got, want, "{cpu} % and {memory} MiB");
    }
    harness.close().await;
}

#[tokio::test]
async fn a_claim_may_ask_for_queues_and_event_types() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let other = harness.enqueue(r#"{"event_type":"a","queue":"other"}"#).await;
    let wanted = harness.enqueue(r#"{"event_type":"b"}"#).await;
    let filter = ClaimFilter { event_types: vec!["b".parse().unwrap()], ..ClaimFilter::default() };
    assert_eq!(ids(&harness.try_claim("e", 1, Claim { filter, ..claim(9) }).await.unwrap()), [wanted]);
    let filter = ClaimFilter { queues: vec!["other".parse().unwrap()], ..ClaimFilter::default() };
    assert_eq!(ids(&harness.try_claim("e", 1, Claim { filter, ..claim(9) }).await.unwrap()), [other]);
    harness.close().await;
}

#[tokio::test]
async fn what_is_paused_is_not_claimed_until_it_is_resumed() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event = harness.enqueue(r#"{"event_type":"a"}"#).await;
    let pause_type = |paused| ChangeEventType { event_type: "a".parse().unwrap(), change: pause_or_resume(paused) };
    let pause_queue = |paused| ChangeQueue { queue: "default".parse().unwrap(), change: pause_or_resume(paused) };
    harness.execute(pause_type(true)).await.unwrap();
    assert!(harness.claim("e", 1).await.is_empty());
    harness.execute(pause_queue(true)).await.unwrap();
    harness.execute(pause_type(false)).await.unwrap();
    assert!(harness.claim("e", 1).await.is_empty());
    harness.execute(pause_queue(false)).await.unwrap();
    assert_eq!(ids(&harness.claim("e", 1).await), [event]);
    harness.close().await;
}

fn pause_or_resume(paused: bool) -> SettingsChange {
    if paused { SettingsChange::Pause { reason: None } } else { SettingsChange::Resume }
}

#[tokio::test]
async fn a_pause_keeps_its_time_and_its_reason_until_it_ends() {
    let harness = Harness::new();
    let change = async |change| {
        let changed = harness.execute(ChangeQueue { queue: "render".parse().unwrap(), change }).await.unwrap();
        assert_eq!(harness.store.settings().await.unwrap().queue(&"render".parse().unwrap()), Some(changed.clone()));
        assert_eq!(changed.settings.paused, changed.pause.is_some());
        harness.pass(60.0).await;
        changed.pause.map(|pause| pause.to_string())
    };
    let pause = |reason: Option<&str>| SettingsChange::Pause { reason: reason.map(str::to_owned) };
    let replace = |paused| SettingsChange::Replace(Settings { paused, ..Settings::default() });
    let (first, later) = (START, START + Duration::from_secs(360));
    for (done, holds) in [
        (pause(Some("disk full")), Some(format!("since {first}: disk full"))),
        (pause(None), Some(format!("since {first}: disk full"))),
        (replace(true), Some(format!("since {first}: disk full"))),
        (pause(Some("moving")), Some(format!("since {first}: moving"))),
        (SettingsChange::Resume, None),
        (replace(false), None),
        (replace(true), Some(format!("since {later}"))),
        (replace(false), None),
    ] {
        let said = format!("{done:?}");
        assert_eq!(change(done).await, holds, "{said}");
    }
    let audit = harness.audit("render");
    let pauses: Vec<_> =
        audit.iter().map(|(action, detail)| (action.as_str(), &detail["after"]["pause"]["reason"])).collect();
    let (full, none) = (&json!("disk full"), &json!(null));
    assert_eq!(pauses[..3], [("queue.pause", full), ("queue.pause", full), ("queue.set", full)]);
    assert_eq!(pauses[4..], [("queue.resume", none), ("queue.set", none), ("queue.set", none), ("queue.set", none)]);
    harness.close().await;
}

#[tokio::test]
async fn events_of_the_engines_run_come_first_only_or_like_all_others() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let state: DynamicState = serde_json::from_str(r#"{"current_scenario_run_id":"run-1"}"#).unwrap();
    let heartbeat = Heartbeat { dynamic_state: Some(state), ..Heartbeat::default() };
    harness.exchange("e", 1, Exchange { heartbeat: Some(heartbeat), ..Exchange::default() }).await.unwrap();
    let urgent = harness.enqueue(r#"{"event_type":"a","priority":1}"#).await;
    let other = harness.enqueue(r#"{"event_type":"a","scenario_run_id":"run-2"}"#).await;
    let own = harness.enqueue(r#"{"event_type":"a","scenario_run_id":"run-1"}"#).await;
    let own_too = harness.enqueue(r#"{"event_type":"b","scenario_run_id":"run-1"}"#).await;
    let with = |affinity, limit| harness.try_claim("e", 1, Claim { affinity, ..claim(limit) });
    assert_eq!(ids(&with(Affinity::Prefer, 2).await.unwrap()), [urgent, own]);
    assert_eq!(ids(&with(Affinity::None, 1).await.unwrap()), [other]);
    let third = harness.enqueue(r#"{"event_type":"a","priority":1,"scenario_run_id":"run-2"}"#).await;
    assert_eq!(ids(&with(Affinity::Require, 9).await.unwrap()), [own_too]);
    assert_eq!(ids(&with(Affinity::Prefer, 9).await.unwrap()), [third]);
    harness.close().await;
}

#[tokio::test]
async fn no_event_is_given_to_two_engines_that_claim_at_once() {
    let harness = Harness::new();
    for engine in 0..16 {
        harness.register(&format!("e{engine}"), "{}").await;
    }
    let mut enqueued = harness.enqueue_many(100).await;
    let names: Vec<_> = (0..16).map(|engine| format!("e{engine}")).collect();
    let claims = names.iter().map(|name| harness.claim(name, 7));
    let mut claimed = Vec::new();
    for events in futures_util::future::join_all(claims).await {
        claimed.extend(ids(&events));
    }
    claimed.sort_unstable();
    enqueued.sort_unstable();
    assert_eq!(claimed, enqueued);
    harness.close().await;
}

#[tokio::test]
async fn a_large_claim_reads_on_past_the_first_events_of_a_lane() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let enqueued = harness.enqueue_many(500).await;
    assert_eq!(ids(&harness.claim("e", 300).await), enqueued[..300]);
    assert_eq!(ids(&harness.claim("e", 300).await), enqueued[300..]);
    harness.close().await;
}

#[tokio::test]
async fn a_lock_lasts_as_long_as_the_nearest_policy_says() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let settings = |json: &str| SettingsChange::Replace(serde_json::from_str(json).unwrap());
    harness
        .execute(ChangeEventType {
            event_type: "a".parse().unwrap(),
            change: settings(r#"{"visibility_timeout_seconds":20}"#),
        })
        .await
        .unwrap();
    harness.enqueue(r#"{"event_type":"a"}"#).await;
    harness.enqueue(r#"{"event_type":"a","visibility_timeout_seconds":40}"#).await;
    harness.enqueue(r#"{"event_type":"b"}"#).await;
    let mut lasts = Vec::new();
    for claimed in harness.claim("e", 3).await {
        let lock = claimed.event.state.lock.unwrap();
        lasts.push(lock.expires_at.since(lock.claimed_at).as_secs());
    }
    assert_eq!(lasts, [20, 40, 300]);
    harness.enqueue(r#"{"event_type":"a","visibility_timeout_seconds":40}"#).await;
    let asked = Claim { visibility_timeout: Some(std::time::Duration::from_secs(5)), ..claim(1) };
    let lock = harness.try_claim("e", 1, asked).await.unwrap().remove(0).event.state.lock.unwrap();
    assert_eq!(lock.expires_at.since(lock.claimed_at).as_secs(), 5);
    harness.close().await;
}

#[tokio::test]
async fn a_claim_takes_no_more_than_its_answer_may_hold() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let draft = format!(r#"{{"event_type":"a","payload":"{}"}}"#, "x".repeat(250_000));
    let all: Vec<_> = harness.try_enqueue(&[draft.as_str(); 70]).await.unwrap();
    let first = harness.claim("e", 100).await;
    assert_eq!(first.len(), 67, "67 times 250,002 bytes are just below 16 MiB");
    assert_eq!(harness.event(all[67].event_id).await.event.state.attempt, 0, "what does not fit is not claimed");
    assert_eq!(ids(&harness.claim("e", 100).await), [all[67].event_id, all[68].event_id, all[69].event_id]);
    harness.close().await;
}
