use enginehouse_core::engine::DynamicState;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::request::{Affinity, Claim, Exchange, Heartbeat};
use enginehouse_server::dispatcher::Config;
use enginehouse_server::dispatcher::commands::{Change, Command};

use crate::house::{House, claim, ids};

#[tokio::test]
async fn the_best_priority_comes_first_and_within_it_the_oldest() {
    let house = House::new();
    house.register("e", "{}").await;
    let low = house.enqueue(r#"{"event_type":"a","priority":7}"#).await;
    let old = house.enqueue(r#"{"event_type":"b"}"#).await;
    house.pass(1.0).await;
    let young = house.enqueue(r#"{"event_type":"a"}"#).await;
    let urgent = house.enqueue(r#"{"event_type":"c","priority":0}"#).await;
    assert_eq!(ids(&house.claim("e", 3).await), [urgent, old, young]);
    assert_eq!(ids(&house.claim("e", 3).await), [low]);
    house.close().await;
}

#[tokio::test]
async fn an_engine_gets_only_what_it_is_capable_of() {
    let house = House::new();
    house.register("plain", "{}").await;
    house.register("special", r#"{"capabilities":["gpu","cuda-12"],"engine_software_version":"1.5.0"}"#).await;
    let gpu = house.enqueue(r#"{"event_type":"a","required_capabilities":["gpu"],"priority":0}"#).await;
    let newer = house.enqueue(r#"{"event_type":"a","engine_version":">=2","priority":0}"#).await;
    let any = house.enqueue(r#"{"event_type":"a"}"#).await;
    assert_eq!(ids(&house.claim("plain", 10).await), [any]);
    assert_eq!(ids(&house.claim("special", 10).await), [gpu]);
    house.register("newest", r#"{"engine_software_version":"2.0.1"}"#).await;
    assert_eq!(ids(&house.claim("newest", 10).await), [newer]);
    house.close().await;
}

#[tokio::test]
async fn an_engine_never_holds_more_than_it_declared() {
    let house = House::new();
    house.register("e", r#"{"resource_limits":{"max_concurrent_events":4,"memory_limit_mb":1000}}"#).await;
    let big = r#"{"event_type":"big","required_memory_mb":600}"#;
    let small = r#"{"event_type":"small","required_memory_mb":100}"#;
    house.try_enqueue(&[big, big, small, small, small, small]).await.unwrap();
    let first = house.claim("e", 1_000).await;
    let types: Vec<_> = first.iter().map(|claimed| claimed.lane.event_type.as_str()).collect();
    assert_eq!(types, ["big", "small", "small", "small"], "600 + 3 * 100, and 4 locks");
    assert!(house.claim("e", 1_000).await.is_empty());
    house.complete(&first[0]).await.unwrap();
    let next = house.claim("e", 1_000).await;
    assert_eq!(next[0].lane.event_type.as_str(), "big", "there is room for the other big one now");
    house.close().await;
}

#[tokio::test]
async fn an_engine_over_its_pressure_marks_gets_nothing_until_it_has_recovered() {
    let house = House::with(Config { max_cpu_percent: Some(90.0), ..Config::default() });
    house.register("e", r#"{"resource_limits":{"memory_limit_mb":1000}}"#).await;
    house.enqueue_many(3).await;
    for (cpu, memory, want) in [(95, 10, 0), (50, 1_001, 0), (50, 900, 1)] {
        let state = format!(r#"{{"resource_utilization":{{"cpu_percent":{cpu},"memory_usage_mb":{memory}}}}}"#);
        let state: DynamicState = serde_json::from_str(&state).unwrap();
        let heartbeat = Heartbeat { dynamic_state: Some(state), lock_tokens: None };
        let exchange = Exchange { heartbeat: Some(heartbeat), claim: Some(claim(1)), ..Exchange::default() };
        let got = house.exchange("e", 1, exchange).await.unwrap().claimed.unwrap().len();
        assert_eq!(got, want, "{cpu} % and {memory} MiB");
    }
    house.close().await;
}

#[tokio::test]
async fn a_claim_may_ask_for_queues_and_event_types() {
    let house = House::new();
    house.register("e", "{}").await;
    let other = house.enqueue(r#"{"event_type":"a","queue":"other"}"#).await;
    let wanted = house.enqueue(r#"{"event_type":"b"}"#).await;
    let filter = ClaimFilter { event_types: vec!["b".parse().unwrap()], ..ClaimFilter::default() };
    assert_eq!(ids(&house.try_claim("e", 1, Claim { filter, ..claim(9) }).await.unwrap()), [wanted]);
    let filter = ClaimFilter { queues: vec!["other".parse().unwrap()], ..ClaimFilter::default() };
    assert_eq!(ids(&house.try_claim("e", 1, Claim { filter, ..claim(9) }).await.unwrap()), [other]);
    house.close().await;
}

#[tokio::test]
async fn what_is_paused_is_not_claimed_until_it_is_resumed() {
    let house = House::new();
    house.register("e", "{}").await;
    let event = house.enqueue(r#"{"event_type":"a"}"#).await;
    let pause_type = |paused| Command::SetEventType("a".parse().unwrap(), Change::Pause(paused));
    let pause_queue = |paused| Command::SetQueue("default".parse().unwrap(), Change::Pause(paused));
    house.submit(pause_type(true)).await.unwrap();
    assert!(house.claim("e", 1).await.is_empty());
    house.submit(pause_queue(true)).await.unwrap();
    house.submit(pause_type(false)).await.unwrap();
    assert!(house.claim("e", 1).await.is_empty());
    house.submit(pause_queue(false)).await.unwrap();
    assert_eq!(ids(&house.claim("e", 1).await), [event]);
    house.close().await;
}

#[tokio::test]
async fn events_of_the_engines_run_come_first_only_or_like_all_others() {
    let house = House::new();
    house.register("e", "{}").await;
    let state: DynamicState = serde_json::from_str(r#"{"current_scenario_run_id":"run-1"}"#).unwrap();
    let heartbeat = Heartbeat { dynamic_state: Some(state), lock_tokens: None };
    house.exchange("e", 1, Exchange { heartbeat: Some(heartbeat), ..Exchange::default() }).await.unwrap();
    let urgent = house.enqueue(r#"{"event_type":"a","priority":1}"#).await;
    let other = house.enqueue(r#"{"event_type":"a","scenario_run_id":"run-2"}"#).await;
    let own = house.enqueue(r#"{"event_type":"a","scenario_run_id":"run-1"}"#).await;
    let own_too = house.enqueue(r#"{"event_type":"b","scenario_run_id":"run-1"}"#).await;
    let with = |affinity, limit| house.try_claim("e", 1, Claim { affinity, ..claim(limit) });
    assert_eq!(ids(&with(Affinity::Prefer, 2).await.unwrap()), [urgent, own]);
    assert_eq!(ids(&with(Affinity::None, 1).await.unwrap()), [other]);
    let third = house.enqueue(r#"{"event_type":"a","priority":1,"scenario_run_id":"run-2"}"#).await;
    assert_eq!(ids(&with(Affinity::Require, 9).await.unwrap()), [own_too]);
    assert_eq!(ids(&with(Affinity::Prefer, 9).await.unwrap()), [third]);
    house.close().await;
}

#[tokio::test]
async fn no_event_is_given_to_two_engines_that_claim_at_once() {
    let house = House::new();
    for engine in 0..16 {
        house.register(&format!("e{engine}"), "{}").await;
    }
    let mut enqueued = house.enqueue_many(100).await;
    let names: Vec<_> = (0..16).map(|engine| format!("e{engine}")).collect();
    let claims = names.iter().map(|name| house.claim(name, 7));
    let mut claimed = Vec::new();
    for events in futures_util::future::join_all(claims).await {
        claimed.extend(ids(&events));
    }
    claimed.sort_unstable();
    enqueued.sort_unstable();
    assert_eq!(claimed, enqueued);
    house.close().await;
}

#[tokio::test]
async fn a_large_claim_reads_on_past_the_first_events_of_a_lane() {
    let house = House::new();
    house.register("e", "{}").await;
    let enqueued = house.enqueue_many(500).await;
    assert_eq!(ids(&house.claim("e", 300).await), enqueued[..300]);
    assert_eq!(ids(&house.claim("e", 300).await), enqueued[300..]);
    house.close().await;
}

#[tokio::test]
async fn a_lock_lasts_as_long_as_the_nearest_policy_says() {
    let house = House::new();
    house.register("e", "{}").await;
    let settings = |json: &str| Change::Replace(serde_json::from_str(json).unwrap());
    house
        .submit(Command::SetEventType("a".parse().unwrap(), settings(r#"{"visibility_timeout_seconds":20}"#)))
        .await
        .unwrap();
    house.enqueue(r#"{"event_type":"a"}"#).await;
    house.enqueue(r#"{"event_type":"a","visibility_timeout_seconds":40}"#).await;
    house.enqueue(r#"{"event_type":"b"}"#).await;
    let mut lasts = Vec::new();
    for claimed in house.claim("e", 3).await {
        let lock = claimed.event.state.lock.unwrap();
        lasts.push(lock.expires_at.since(lock.claimed_at).as_secs());
    }
    assert_eq!(lasts, [20, 40, 300]);
    house.enqueue(r#"{"event_type":"a","visibility_timeout_seconds":40}"#).await;
    let asked = Claim { visibility_timeout: Some(std::time::Duration::from_secs(5)), ..claim(1) };
    let lock = house.try_claim("e", 1, asked).await.unwrap().remove(0).event.state.lock.unwrap();
    assert_eq!(lock.expires_at.since(lock.claimed_at).as_secs(), 5);
    house.close().await;
}
