//! Filters as people write them, over HTTP.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::permissions::{call_as, token};

async fn ids(app: &TestApp, as_token: &str, query: &str) -> Result<Vec<String>, (u16, Value)> {
    let answer = call_as(app, as_token, &format!("GET {query}"), "").await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    if answer.status != 200 {
        return Err((answer.status, body));
    }
    let name = |item: &Value| {
        ["event_type", "engine_id"].iter().find_map(|key| item[*key].as_str()).unwrap_or_default().to_owned()
    };
    Ok(body["items"].as_array().unwrap().iter().map(name).collect())
}

#[tokio::test]
async fn a_list_takes_terms_beside_its_other_parameters() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","metadata":{"static_config":{"host":"node-7"}}}"#).await;
    for (event_type, team) in [("frame.a", "x"), ("frame.b", "y"), ("mail", "x")] {
        let draft = json!({"event_type": event_type, "payload": {"scene": "alps", "n": 7}, "labels": {"team": team}});
        app.prepare("POST /v1/events", &draft.to_string()).await;
    }
    let admin = token(&app, r#"{"name":"admin","role":"admin"}"#).await;
    for (query, want) in [
        ("/v1/events?filter=type:frame.*", &["frame.b", "frame.a"][..]),
        ("/v1/events?filter=type:frame.*%20-label.team:x", &["frame.b"]),
        ("/v1/events?filter=payload.scene:alps+payload.n:%3E6&label=team=x", &["mail", "frame.a"]),
        ("/v1/events?event_type=mail&filter=type:frame.a", &[]),
        ("/v1/events?filter=", &["mail", "frame.b", "frame.a"]),
        ("/v1/engines?filter=host:node-*", &["e"]),
        ("/v1/engines?filter=-e", &[]),
        ("/v1/dead-letters?filter=error:~x", &[]),
    ] {
        assert_eq!(ids(&app, &admin, query).await, Ok(want.iter().map(ToString::to_string).collect()), "{query}");
    }
    let refused = ids(&app, &admin, "/v1/events?filter=queue:a%20stauts:failed&limit=0").await.unwrap_err();
    let problem = &refused.1["errors"][0];
    assert_eq!((refused.0, &problem["pointer"]), (422, &json!("/filter")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("stauts:failed at column 9: An event has no stauts, did you mean status?"), "{detail}");
    assert_eq!(refused.1["errors"][1]["pointer"], "/limit");
    app.close().await;
}

/// A filter is no way to find out, yes by no, what one may not read.
#[tokio::test]
async fn terms_do_not_tell_what_a_caller_may_not_read() {
    let mut app = TestApp::new();
    for event_type in ["mine", "theirs"] {
        let draft = json!({"event_type": event_type, "payload": {"secret": "planted"}});
        app.prepare("POST /v1/events", &draft.to_string()).await;
    }
    let viewer = token(&app, r#"{"name":"viewer","role":"viewer"}"#).await;
    for list in ["events", "dead-letters"] {
        for terms in ["payload.secret:~p", "-payload.secret:*", "queue:x%20payload.secret:planted"] {
            let (status, problem) = ids(&app, &viewer, &format!("/v1/{list}?filter={terms}")).await.unwrap_err();
            assert_eq!((status, &problem["missing"]), (403, &json!("events:read_payload")), "{list} {terms}");
        }
    }
    assert_eq!(ids(&app, &viewer, "/v1/events?filter=type:*").await.map(|found| found.len()), Ok(2));
    let draft = r#"{"name":"own","role":"operator","read_payloads":true,"selectors":{"event_types":["mine"]}}"#;
    let own = token(&app, draft).await;
    for terms in ["payload.secret:planted", "-type:mine,other", "type:*"] {
        let want = if terms.starts_with('-') { vec![] } else { vec!["mine".to_owned()] };
        assert_eq!(ids(&app, &own, &format!("/v1/events?filter={terms}")).await, Ok(want), "{terms}");
    }
    app.close().await;
}

/// Behind as many rows as one page may compare.
#[tokio::test]
async fn a_page_that_ends_early_says_how_far_it_has_looked() {
    let mut app = TestApp::new();
    app.prepare("POST /v1/events", r#"{"event_type":"a","labels":{"team":"oldest"}}"#).await;
    let events = json!({"events": vec![json!({"event_type": "a"}); 5_500]});
    app.prepare("POST /v1/events/batch", &events.to_string()).await;
    let page = async |cursor: Option<&str>| {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let line = format!("GET /v1/events?filter=label.team:~old{cursor}");
        let answer = app.send(crate::app::request(&line, "", "")).await;
        serde_json::from_str::<Value>(&answer.body).unwrap()
    };
    let first = page(None).await;
    assert_eq!((&first["items"], &first["searched_until"]), (&json!([]), &json!("2026-01-01T00:00:00.000Z")));
    let second = page(first["next_cursor"].as_str()).await;
    assert_eq!(second["items"][0]["labels"], json!({"team": "oldest"}));
    assert_eq!((&second["next_cursor"], second.get("searched_until")), (&Value::Null, None));
    app.close().await;
}
