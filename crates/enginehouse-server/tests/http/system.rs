//! How the server is set up, and who is shown it.

use serde_json::Value;

use crate::app::TestApp;
use crate::permissions::{call_as, token};

/// Every setting with its value and where that is from, and advice about tokens for those alone who may read tokens.
#[tokio::test]
async fn whoever_looks_after_the_server_is_shown_how_it_is_set_up() {
    let mut app = TestApp::new();
    app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await;
    app.pass(1).await;
    let shown = app.call("GET /v1/system", "").await.json();
    let setting = shown["settings"].as_array().unwrap().iter().find(|of| of["setting"] == "max_lanes").unwrap();
    assert_eq!((&setting["value"], &setting["from"]), (&"10000".into(), &"default".into()), "{shown}");
    assert!(setting["about"].as_str().unwrap().contains("kinds of events"));
    assert_eq!((&shown["instance_name"], &shown["advice"]), (&Value::Null, &serde_json::json!([])));
    let ending = token(&app, r#"{"name":"ending","role":"admin","expires_in_seconds":86400}"#).await;
    let operator = token(&app, r#"{"name":"o","role":"operator"}"#).await;
    let viewer = token(&app, r#"{"name":"v","role":"viewer"}"#).await;
    let advice = |answer: crate::app::Answer| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["advice"].to_string()
    };
    let to_admin = advice(call_as(&app, &ending, "GET /v1/system", "").await);
    assert!(to_admin.contains("token ending") && to_admin.contains("expires at"), "{to_admin}");
    assert_eq!(advice(call_as(&app, &operator, "GET /v1/system", "").await), "[]");
    assert_eq!(call_as(&app, &viewer, "GET /v1/system", "").await.status, 403);
    app.close().await;
}
