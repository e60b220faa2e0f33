//! What a refusal says to whoever has mistyped something, and how much.

use http::header;

use crate::app::{TestApp, request};

#[tokio::test]
async fn a_path_that_is_nearly_one_is_told_which() {
    let app = TestApp::new();
    for (asked, meant) in [
        ("GET /v1/events/", "/v1/events"),
        ("GET //v1/events", "/v1/events"),
        ("GET /v1//stats/", "/v1/stats"),
        ("GET /events", "/v1/events"),
        ("POST /engines/e/claim", "/v1/engines/e/claim"),
        ("GET /v1/healthz", "/healthz"),
        ("GET /v1/event", "/v1/events"),
        ("GET /metrics/", "/metrics"),
    ] {
        let answer = app.send(request(asked, "", "")).await;
        assert_eq!(answer.status, 404, "{asked}");
        assert!(answer.body.contains(&format!("; did you mean {meant}?\"")), "{asked}: {}", answer.body);
    }
    let answer = app.send(request("GET /nowhere", "", "")).await;
    assert!(!answer.body.contains("did you mean"), "{}", answer.body);
    app.close().await;
}

#[tokio::test]
async fn a_field_that_is_nearly_one_is_told_which_and_what_there_is_once() {
    let app = TestApp::new();
    for (field, meant) in [
        ("prio", "priority"),
        ("Priority", "priority"),
        ("eventType", "event_type"),
        ("event-type", "event_type"),
        ("lables", "labels"),
        ("max_retries", ""),
        ("timeout", ""),
    ] {
        let body = format!(r#"{{"event_type":"a","{field}":1}}"#);
        let answer = app.send(request("POST /v1/events", "application/json", &body)).await;
        let hint = format!("unknown, did you mean {meant}? It must be event_type, ");
        let expected = if meant.is_empty() { "unknown, must be event_type, " } else { &hint };
        assert!(answer.body.contains(expected), "{field}: {}", answer.body);
    }
    let events = r#"{"event_type":"a","prio":1,"queu":2}"#;
    let body = format!(r#"{{"events":[{}]}}"#, [events; 3].join(","));
    let answer = app.send(request("POST /v1/events/batch", "application/json", &body)).await;
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let details: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["detail"].as_str().unwrap()).collect();
    assert!(details[0].starts_with("unknown, did you mean priority? It must be event_type, "), "{details:?}");
    assert_eq!(details[1..3], ["unknown, did you mean queue?", "unknown, did you mean priority?"]);
    app.close().await;
}

#[tokio::test]
async fn an_answer_is_not_longer_than_what_it_is_about() {
    let app = TestApp::new();
    let key = "k".repeat(900);
    let fields: Vec<_> = (0..1_000).map(|n| format!(r#""{n}{key}":1"#)).collect();
    let body = format!("{{{}}}", fields.join(","));
    let answer = app.send(request("POST /v1/events", "application/json", &body)).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < body.len() / 4, "{} for {}", answer.body.len(), body.len());
    let long = "x".repeat(20_000);
    for (line, content_type) in [
        (format!("GET /{long}"), "application/json".to_owned()),
        (format!("GET /v1/stats?{long}=1"), "application/json".to_owned()),
        (format!("GET /v1/events/{long}"), "application/json".to_owned()),
        (format!("GET /problems/{long}"), "application/json".to_owned()),
        (format!("PATCH /v1/engines/{long}"), "application/json".to_owned()),
        (format!("{} /v1/events", &long[..5_000]), "application/json".to_owned()),
        ("POST /v1/events".to_owned(), long.clone()),
    ] {
        let answer = app.send(request(&line, &content_type, "{}")).await;
        assert!(answer.status >= 400 && answer.body.len() < 1_000, "{}: {}", &line[..20], answer.body.len());
        assert!(answer.body.contains('…'), "{}: {}", &line[..20], answer.body);
    }
    app.close().await;
}

#[tokio::test]
async fn a_method_that_is_not_there_is_refused_as_one_with_a_query_too() {
    let app = TestApp::new();
    for line in ["PATCH /v1/events?a=1", "DELETE /v1/stats?a=1", "POST /v1/scenario-runs?limit=1"] {
        let answer = app.send(request(line, "", "")).await;
        assert_eq!(answer.status, 405, "{line}: {}", answer.body);
        assert!(answer.headers.contains_key(header::ALLOW), "{line}");
    }
    let get = app.send(request("GET /v1/events/batch?a=1", "", "")).await;
    assert_eq!(get.status, 405, "{}", get.body);
    app.close().await;
}

#[tokio::test]
async fn a_cursor_that_no_list_has_answered_is_refused() {
    let mut app = TestApp::new();
    for n in 0..3 {
        app.prepare(&format!("PUT /v1/engines/e{n}"), r#"{"engine_type":"t"}"#).await;
        let event = format!(r#"{{"event_type":"t{n}","queue":"q{n}","scenario_run_id":"r{n}"}}"#);
        app.prepare("POST /v1/events", &event).await;
    }
    let lists = ["events", "engines", "dead-letters", "event-types", "queues", "scenario-runs", "stats/lanes"];
    let mut cursors = Vec::new();
    for list in lists {
        let answer = app.send(request(&format!("GET /v1/{list}?limit=1"), "", "")).await;
        let page: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        if let Some(cursor) = page["next_cursor"].as_str() {
            let next = app.send(request(&format!("GET /v1/{list}?limit=1&cursor={cursor}"), "", "")).await;
            assert_eq!(next.status, 200, "{list}: {}", next.body);
            cursors.push((list, cursor.to_owned()));
        }
    }
    assert_eq!(cursors.len(), 6, "{cursors:?}");
    for list in lists {
        // Forged, or of another list.
        let forged = ["bm9uc2Vuc2U", "MTIz", "YSBi", "LTE", "eA", "ZXZpbA"].map(|cursor| ("nobody", cursor.to_owned()));
        for (of, cursor) in forged.iter().chain(cursors.iter().filter(|(of, _)| *of != list)) {
            let answer = app.send(request(&format!("GET /v1/{list}?cursor={cursor}"), "", "")).await;
            assert_eq!(answer.status, 422, "{list} with {cursor} of {of}: {}", answer.body);
            assert!(answer.body.contains(r#""pointer":"/cursor""#), "{}", answer.body);
        }
    }
    app.close().await;
}

#[tokio::test]
async fn a_delay_that_begins_above_its_maximum_is_refused() {
    let app = TestApp::new();
    let delay =
        |initial: &str, max: &str| format!(r#""retry_policy":{{"retry_delay":{{"initial":{initial},"max":{max}}}}}"#);
    for (line, before) in
        [("POST /v1/events", r#""event_type":"a","#), ("PUT /v1/queues/q", ""), ("PUT /v1/event-types/t", "")]
    {
        let body = format!("{{{before}{}}}", delay("60", "30"));
        let answer = app.send(request(line, "application/json", &body)).await;
        assert_eq!(answer.status, 422, "{line}: {}", answer.body);
        let named =
            r#""pointer":"/retry_policy/retry_delay/initial","detail":"must be at most max, which is 30, was 60""#;
        assert!(answer.body.contains(named), "{line}: {}", answer.body);
        let body = format!("{{{before}{}}}", delay("30", "30"));
        assert!(app.send(request(line, "application/json", &body)).await.status < 300, "{line}");
    }
    app.close().await;
}

#[tokio::test]
async fn the_header_that_everybody_sends_is_the_idempotency_key() {
    let mut app = TestApp::new();
    let send = |line: &str, content_type: &str, key: &str, body: &str| {
        let mut request = request(line, content_type, body);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        app.send(request)
    };
    let json = "application/json";
    let first = send("POST /v1/events", json, "k-1", r#"{"event_type":"a"}"#).await;
    assert_eq!(first.status, 201, "{}", first.body);
    // As the draft of the standard writes it, as the field, and as both.
    for (key, body) in [("\"k-1\"", r#"{"event_type":"a"}"#), ("k-1", r#"{"event_type":"a","idempotency_key":"k-1"}"#)]
    {
        let again = send("POST /v1/events", json, key, body).await;
        assert!(again.status == 200 && again.body.contains(r#""duplicate":true"#), "{key}: {}", again.body);
    }
    for (key, body, why) in [
        ("k-1", r#"{"event_type":"a","idempotency_key":"k-2"}"#, "differs from the header Idempotency-Key"),
        ("", r#"{"event_type":"a"}"#, "the header Idempotency-Key must be a string of 1 to 256 characters"),
    ] {
        let refused = send("POST /v1/events", json, key, body).await;
        assert!(refused.status == 422 && refused.body.contains(why), "{key}: {}", refused.body);
        assert!(refused.body.contains(r#""pointer":"/idempotency_key""#), "{}", refused.body);
    }
    // It could be the key of one event only.
    for (content_type, body) in
        [(json, r#"{"events":[{"event_type":"a"}]}"#), ("application/x-ndjson", r#"{"event_type":"a"}"#)]
    {
        let refused = send("POST /v1/events/batch", content_type, "k-3", body).await;
        assert!(refused.status == 422 && refused.body.contains("each event of a batch"), "{}", refused.body);
    }
    let events = app.call("GET /v1/stats", "").await;
    assert!(events.body.contains(r#""events":{"queued":1,"#), "{}", events.body);
    app.close().await;
}
