//! What a refusal says to whoever has mistyped something, and how much.

use crate::app::{TestApp, request};

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

