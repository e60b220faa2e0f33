//! Who is suspect, and who is in quarantine, as it is answered.

use crate::app::{TestApp, field};

#[tokio::test]
async fn an_engine_that_fails_more_than_others_is_named_with_what_speaks_for_it() {
    let mut app = TestApp::new();
    for engine in ["bad", "good"] {
        let engine_body = r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#;
        app.prepare(&format!("PUT /v1/engines/{engine}"), engine_body).await;
    }
    let nobody = app.call("GET /v1/suspects", "").await;
    assert!(nobody.body.contains(r#""suspects":[],"left_out":0"#), "{}", nobody.body);
    let mut last = String::new();
    for round in 0..30 {
        let fails = round >= 10;
        for engine in ["bad", "good"] {
            app.prepare("POST /v1/events", r#"{"event_type":"frame.render"}"#).await;
            let claimed = app.prepare(&format!("POST /v1/engines/{engine}/claim"), r#"{"epoch":1,"limit":1}"#).await;
            let (event, token) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
            if fails && engine == "bad" {
                let failure = format!(r#"{{"lock_token":"{token}","error":{{"message":"no"}},"retryable":false}}"#);
                app.prepare(&format!("POST /v1/events/{event}/fail"), &failure).await;
                last = event;
            } else {
                let done = format!(r#"{{"lock_token":"{token}"}}"#);
                app.prepare(&format!("POST /v1/events/{event}/complete"), &done).await;
            }
        }
    }
    let found = app.call("GET /v1/suspects", "").await;
    assert_eq!(
        (field(&found, "/suspects/0/kind"), field(&found, "/suspects/0/engine_id")),
        ("engine_at_type".into(), "bad".into())
    );
    assert_eq!(
        (field(&found, "/suspects/0/event_types/0"), field(&found, "/suspects/0/evidence/4")),
        ("frame.render".into(), last)
    );
    assert_eq!(
        field(&found, "/suspects/0/summary"),
        "engine bad at frame.render failed 20 of 20 events, others 0 of 20 in the same time"
    );
    assert!(found.body.contains(r#""quarantine":null"#), "{}", found.body);
    let until = r#"{"reason":"its fan is loud","until":"2026-01-01T01:00:00Z"}"#;
    app.prepare("POST /v1/engines/bad/quarantine", until).await;
    let found = app.call("GET /v1/suspects", "").await;
    assert_eq!(
        (field(&found, "/suspects/0/quarantine/until"), field(&found, "/suspects/0/quarantine/reason")),
        ("2026-01-01T01:00:00.000Z".into(), "its fan is loud".into())
    );
    // Once it is over, nobody says that there is one.
    app.pass(3_600).await;
    for line in ["GET /v1/suspects", "GET /v1/engines/bad", "GET /v1/engines"] {
        let shown = app.call(line, "").await;
        assert!(!shown.body.contains("its fan is loud"), "{line}: {}", shown.body);
    }
    let metrics = app.call("GET /metrics", "").await;
    assert!(metrics.body.contains("enginehouse_suspects 1\n"), "{}", metrics.body);
    app.close().await;
}

#[tokio::test]
async fn an_engine_is_put_in_quarantine_and_explained_so() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/sim-1", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    let event = field(&app.prepare("POST /v1/events", r#"{"event_type":"frame.render"}"#).await, "/event_id");
    let body = r#"{"reason":"its fan is loud","until":"2026-01-01T02:00:00Z","event_types":["frame.render"]}"#;
    let engine = app.call("POST /v1/engines/sim-1/quarantine", body).await;
    assert_eq!(
        (field(&engine, "/quarantine/reason"), field(&engine, "/quarantine/until"), field(&engine, "/status")),
        ("its fan is loud".into(), "2026-01-01T02:00:00.000Z".into(), "active".into())
    );
    let why = app.call(&format!("GET /v1/events/{event}/explain"), "").await;
    assert_eq!(
        (field(&why, "/verdict"), field(&why, "/summary")),
        (
            "blocked".into(),
            "1 engine fits, and none is active: 1 quarantined; sim-1: the engine is quarantined until 2026-01-01T02:00:00.000Z: its fan is loud".into()
        )
    );
    assert_eq!(
        (field(&why, "/smallest_change/0/action"), field(&why, "/smallest_change/0/engine_id")),
        ("lift_quarantine".into(), "sim-1".into())
    );
    let shown = app.call("GET /v1/engines/sim-1", "").await;
    assert_eq!(field(&shown, "/quarantine/event_types/0"), "frame.render");
    let lifted = app.call("POST /v1/engines/sim-1/lift", "").await;
    assert!(lifted.body.contains(r#""quarantine":null"#), "{}", lifted.body);
    let claimed = app.call("POST /v1/engines/sim-1/claim", r#"{"epoch":1}"#).await;
    assert_eq!(field(&claimed, "/events/0/event_id"), event);
    for (line, body, status, pointer) in [
        ("sim-1/quarantine", r#"{}"#, 422, "/reason"),
        ("sim-1/quarantine", r#"{"reason":""}"#, 422, "/reason"),
        ("sim-1/quarantine", r#"{"reason":"a","until":"2025-12-31T00:00:00Z"}"#, 422, "/until"),
        ("sim-1/quarantine", r#"{"reason":"a","event_types":["a b"]}"#, 422, "/event_types/0"),
        ("sim-1/quarantine", r#"{"reason":"a","event_type":"b"}"#, 422, "/event_type"),
    ] {
        let refused = app.call(&format!("POST /v1/engines/{line}"), body).await;
        assert_eq!((refused.status, field(&refused, "/errors/0/pointer")), (status, pointer.to_owned()), "{body}");
    }
    for line in ["POST /v1/engines/nobody/quarantine", "POST /v1/engines/nobody/lift"] {
        let body = if line.ends_with("lift") { "" } else { r#"{"reason":"a"}"# };
        assert_eq!(app.call(line, body).await.status, 404);
    }
    app.close().await;
}
