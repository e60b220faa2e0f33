//! What a token may take of what all share, and what it cannot take from anybody.

use std::pin::Pin;

use enginehouse_server::http::Limits;
use futures_util::poll;

use crate::app::{Answer, TestApp, field};
use crate::permissions::{call_as, token};
use crate::sessions::{call_in, register};

const CLAIM: &str = r#"{"epoch":1,"wait_seconds":60}"#;

/// A call that has begun, and goes on for as long as it is kept.
type PendingCall<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

async fn begun<'a>(call: impl Future<Output = Answer> + 'a) -> PendingCall<'a> {
    let mut call: PendingCall<'a> = Box::pin(call);
    assert!(poll!(&mut call).is_pending(), "it is answered at once");
    call
}

/// Room for five calls that last: one token alone may have four of them.
fn five_connections() -> TestApp {
    TestApp::with(Limits { max_connections: 5, ..Limits::default() })
}

#[tokio::test]
async fn a_token_that_floods_stops_no_heartbeat_and_no_settle_and_leaves_others_their_share() {
    let app = five_connections();
    let flood = token(&app, r#"{"name":"flood","role":"admin"}"#).await;
    let other = token(&app, r#"{"name":"other","role":"producer"}"#).await;
    let fleet = token(&app, r#"{"name":"fleet","role":"engine"}"#).await;
    let session = register(&app, &fleet, "e").await;
    let event = call_as(&app, &other, "POST /v1/events", r#"{"event_type":"a"}"#).await;
    let claimed = call_in(&app, &fleet, &session, "POST /v1/engines/e/claim", r#"{"epoch":1,"limit":1}"#).await;
    let lock = field(&claimed, "/events/0/lock/token");
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(begun(call_as(&app, &flood, "POST /v1/events?wait_seconds=60", r#"{"event_type":"b"}"#)).await);
    }
    for line in ["GET /v1/events", "GET /v1/stats", "POST /v1/events"] {
        let refused =
            call_as(&app, &flood, line, if line.starts_with("POST") { r#"{"event_type":"b"}"# } else { "" }).await;
        assert_eq!(
            (refused.status, field(&refused, "/code"), field(&refused, "/quota")),
            (429, "quota_exceeded".into(), "connections".into()),
            "{line}"
        );
        assert_eq!(refused.headers["retry-after"], "1");
        let detail = field(&refused, "/detail");
        assert!(
            detail.contains("token flood has 4") && detail.contains("1 of 5 (setting max_connections)"),
            "{detail}"
        );
    }
    // Whatever keeps a fleet alive goes on: for others, and for itself.
    for token in [&fleet, &flood] {
        let beat = call_in(&app, token, &session, "POST /v1/engines/e/heartbeat", r#"{"epoch":1}"#).await;
        assert_eq!(beat.status, 200, "{}", beat.body);
    }
    let path = format!("POST /v1/events/{}/complete", field(&event, "/event_id"));
    let settled = call_in(&app, &flood, &session, &path, &format!(r#"{{"lock_token":"{lock}"}}"#)).await;
    assert_eq!(settled.status, 200, "{}", settled.body);
    assert_eq!(call_as(&app, &other, "POST /v1/events", r#"{"event_type":"a"}"#).await.status, 201);
    assert_eq!(call_as(&app, &other, "GET /v1/events", "").await.status, 200);
    drop(held);
    assert_eq!(call_as(&app, &flood, "GET /v1/events", "").await.status, 200);
    let metrics = call_as(&app, &flood, "GET /metrics", "").await.body;
    for line in [
        "refused_total{principal=\"flood\",quota=\"connections\"} 3",
        "requests_total{principal=\"other\"} 3",
        "events_enqueued_total{principal=\"other\"} 2",
    ] {
        assert!(metrics.contains(&format!("enginehouse_principal_{line}")), "{line} in {metrics}");
    }
    app.close().await;
}

#[tokio::test]
async fn a_claim_that_may_not_wait_is_given_what_is_there() {
    let app = five_connections();
    let fleet = token(&app, r#"{"name":"fleet","role":"engine"}"#).await;
    let other = token(&app, r#"{"name":"other","role":"producer"}"#).await;
    let (first, late) = (register(&app, &fleet, "e").await, register(&app, &fleet, "late").await);
    let mut waiting = Vec::new();
    for _ in 0..4 {
        // It waits for what nobody enqueues.
        let claim = r#"{"epoch":1,"wait_seconds":60,"queues":["empty"]}"#;
        waiting.push(begun(call_in(&app, &fleet, &first, "POST /v1/engines/e/claim", claim)).await);
    }
    let refused = call_in(&app, &fleet, &late, "POST /v1/engines/late/claim", CLAIM).await;
    assert_eq!((refused.status, field(&refused, "/quota")), (429, "waiting_claims".to_owned()));
    let at_once = call_in(&app, &fleet, &late, "POST /v1/engines/late/claim", r#"{"epoch":1}"#).await;
    assert_eq!(at_once.status, 200, "it takes no connection for long");
    let exchange = r#"{"epoch":1,"heartbeat":{},"claim":{"wait_seconds":60}}"#;
    let exchanged = call_in(&app, &fleet, &late, "POST /v1/engines/late/exchange", exchange).await;
    assert_eq!((exchanged.status, field(&exchanged, "/heartbeat/status")), (200, "active".to_owned()));
    let only_claim = r#"{"epoch":1,"claim":{"wait_seconds":60}}"#;
    let refused = call_in(&app, &fleet, &late, "POST /v1/engines/late/exchange", only_claim).await;
    assert_eq!((refused.status, field(&refused, "/quota")), (429, "waiting_claims".to_owned()));
    let event = call_as(&app, &other, "POST /v1/events", r#"{"event_type":"a"}"#).await;
    let claimed = call_in(&app, &fleet, &late, "POST /v1/engines/late/claim", CLAIM).await;
    assert_eq!(field(&claimed, "/events/0/event_id"), field(&event, "/event_id"));
    drop(waiting);
    app.close().await;
}

#[tokio::test]
async fn more_events_a_second_than_a_token_may_enqueue_are_refused_and_its_engines_go_on() {
    let app = TestApp::with(Limits { max_events_per_second_per_token: Some(1), ..Limits::default() });
    let bound = token(&app, r#"{"name":"bound","role":"admin"}"#).await;
    let other = token(&app, r#"{"name":"other","role":"producer"}"#).await;
    let session = register(&app, &bound, "e").await;
    let batch = format!(r#"{{"events":[{}]}}"#, vec![r#"{"event_type":"a"}"#; 1_000].join(","));
    assert_eq!(call_as(&app, &bound, "POST /v1/events/batch", &batch).await.status, 200, "a batch may be larger");
    let refused = call_as(&app, &bound, "POST /v1/events", r#"{"event_type":"a"}"#).await;
    assert_eq!((refused.status, field(&refused, "/quota")), (429, "events_per_second".to_owned()));
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((900..=1_000).contains(&seconds), "{seconds}");
    assert!(field(&refused, "/detail").contains("1 events a second (setting max_events_per_second_per_token)"));
    assert_eq!(call_in(&app, &bound, &session, "POST /v1/engines/e/heartbeat", r#"{"epoch":1}"#).await.status, 200);
    assert_eq!(call_as(&app, &other, "POST /v1/events", r#"{"event_type":"a"}"#).await.status, 201);
    app.close().await;
}
