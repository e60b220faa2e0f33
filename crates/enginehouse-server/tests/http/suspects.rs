//! Who is suspect, as it is answered.

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
    let metrics = app.call("GET /metrics", "").await;
    assert!(metrics.body.contains("enginehouse_suspects 1\n"), "{}", metrics.body);
    app.close().await;
}
