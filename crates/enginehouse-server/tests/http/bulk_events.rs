//! Cancelling and retrying all events that match, and redriving one: what is touched, in which order, and that nobody waits for it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::TestApp;
use crate::running_server::{read_answer, request, start};
use crate::sharing::{heartbeat, register};

async fn call(app: &mut TestApp, line: &str, body: Value) -> Value {
    let answer = app.prepare(line, &body.to_string()).await;
    serde_json::from_str(&answer.body).unwrap()
}

/// Enqueues events, and answers their ids, the newest first.
async fn enqueue(app: &mut TestApp, drafts: Vec<Value>) -> Vec<Value> {
    let answer = call(app, "POST /v1/events/batch", json!({ "events": drafts })).await;
    answer["events"].as_array().unwrap().iter().rev().map(|event| event["event_id"].clone()).collect()
}

#[tokio::test]
async fn all_that_match_are_cancelled_newest_first_and_a_repeat_changes_nothing() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    // More than one transaction takes, and one of another queue.
    let ours = enqueue(&mut app, vec![json!({"event_type": "a", "labels": {"team": "x"}}); 1_203]).await;
    enqueue(&mut app, vec![json!({"event_type": "a", "queue": "other"})]).await;
    app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1,"limit":3}"#).await;
    let (queued, processing) = ours.split_at(1_200);
    let in_turn: Vec<_> = queued.iter().chain(processing).cloned().collect();
    let mut request = json!({"filter": {"queue": "default", "label": "team=x"}, "limit": 10_000, "dry_run": true});
    let dry = call(&mut app, "POST /v1/events/cancel", request.clone()).await;
    assert_eq!(dry["event_ids"], json!(in_turn));
    assert_eq!(json!([dry["changed"], dry["unchanged"], dry["next_cursor"]]), json!([0, 0, null]));
    request["dry_run"] = json!(false);
    // In parts, each of which says where to go on.
    request["limit"] = json!(700);
    let (mut touched, mut sums) = (Vec::new(), [0, 0, 0]);
    loop {
        let part = call(&mut app, "POST /v1/events/cancel", request.clone()).await;
        touched.extend(part["event_ids"].as_array().unwrap().iter().cloned());
        for (sum, name) in sums.iter_mut().zip(["changed", "asked_to_stop", "unchanged"]) {
            *sum += part[name].as_u64().unwrap();
        }
        request["cursor"] = part["next_cursor"].clone();
        if request["cursor"].is_null() {
            break;
        }
    }
    assert_eq!((touched, sums), (in_turn, [1_200, 3, 0]));
    request.as_object_mut().unwrap().remove("cursor");
    let again = call(&mut app, "POST /v1/events/cancel", request.clone()).await;
    assert_eq!(json!([again["changed"], again["asked_to_stop"], again["unchanged"]]), json!([0, 0, 3]));
    request["force"] = json!(true);
    let by_force = call(&mut app, "POST /v1/events/cancel", request).await;
    assert_eq!(json!([by_force["changed"], by_force["asked_to_stop"]]), json!([3, 0]));
    let stats = call(&mut app, "GET /v1/stats", json!(null)).await;
    assert_eq!(json!([stats["events"]["queued"], stats["events"]["cancelled"]]), json!([1, 1_203]));
    let history = call(&mut app, &format!("GET /v1/events/{}/history", ours[0].as_str().unwrap()), json!(null)).await;
    assert_eq!(history["actions"][0]["action"], "cancel");
    app.close().await;
}

#[tokio::test]
async fn only_what_waits_for_its_time_is_made_available() {
    let mut app = TestApp::new();
    let later = enqueue(&mut app, vec![json!({"event_type": "a", "delay_seconds": 3_600, "priority": 3}); 5]).await;
    enqueue(&mut app, vec![json!({"event_type": "a", "priority": 3}); 5]).await;
    enqueue(&mut app, vec![json!({"event_type": "a", "delay_seconds": 3_600}); 5]).await;
    let request = json!({"filter": {"priority": 3, "event_type": "a"}});
    let done = call(&mut app, "POST /v1/events/retry", request.clone()).await;
    assert_eq!((&done["event_ids"], &done["changed"], &done["unchanged"]), (&json!(later), &json!(5), &json!(0)));
    let again = call(&mut app, "POST /v1/events/retry", request).await;
    assert_eq!((&again["event_ids"], &again["changed"]), (&json!([]), &json!(0)));
    app.close().await;
}

#[tokio::test]
async fn what_is_meant_has_to_be_said() {
    let mut app = TestApp::new();
    for (line, body, pointer) in [
        ("POST /v1/events/cancel", json!({}), "/filter"),
        ("POST /v1/events/retry", json!({"all": true, "filter": {"queue": "a"}}), "/all"),
        ("POST /v1/events/cancel", json!({"filter": {"status": "completed"}}), "/filter"),
        ("POST /v1/events/cancel", json!({"all": true, "cursor": "YQ"}), "/cursor"),
        ("POST /v1/events/cancel", json!({"filter": {"label": "team"}}), "/filter/label"),
        ("POST /v1/events/cancel", json!({"filter": {"prioritty": 1}}), "/filter/prioritty"),
    ] {
        let answer = app.call(line, &body.to_string()).await;
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
    app.close().await;
}

#[tokio::test]
async fn a_failed_or_cancelled_event_is_redriven_whether_or_not_it_is_a_dead_letter() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    let ids = enqueue(&mut app, vec![json!({"event_type": "a"}); 2]).await;
    let claimed = call(&mut app, "POST /v1/engines/e/claim", json!({"epoch": 1, "limit": 1})).await;
    let (event, token) = (&claimed["events"][0]["event_id"], &claimed["events"][0]["lock"]["token"]);
    let fail = json!({"lock_token": token, "error": {"message": "no"}, "retryable": false});
    let event = event.as_str().unwrap();
    let failed = call(&mut app, &format!("POST /v1/events/{event}/fail"), fail).await;
    assert_eq!(json!([failed["status"], failed["dead_letter"]]), json!(["failed", null]));
    let cancelled = ids[0].as_str().unwrap();
    app.prepare(&format!("POST /v1/events/{cancelled}/cancel"), "").await;
    // A call of dead letters takes dead letters only.
    let refused = app.call(&format!("POST /v1/dead-letters/{event}/redrive"), "").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    for event in [event, cancelled] {
        let redriven = call(&mut app, &format!("POST /v1/events/{event}/redrive"), json!({"payload": {"n": 2}})).await;
        assert_eq!(
            json!([redriven["status"], redriven["redrives"], redriven["payload"]]),
            json!(["queued", 1, {"n": 2}])
        );
        let again = app.call(&format!("POST /v1/events/{event}/redrive"), "").await;
        assert_eq!(again.status, 409, "{}", again.body);
    }
    let history = call(&mut app, &format!("GET /v1/events/{cancelled}/history"), json!(null)).await;
    assert_eq!(history["actions"][1]["action"], "redrive");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_do_not_notice_a_bulk_action() {
    let server = start(|_| {}).await;
    register(&server, "e").await;
    let drafts = json!({ "events": vec![json!({"event_type": "a"}); 10_000] }).to_string();
    let mut stream = server.connect(&request("POST /v1/events/batch", &drafts)).await;
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    let cancel = request("POST /v1/events/cancel", r#"{"all":true,"limit":10000}"#);
    let mut cancelling = server.connect(&cancel).await;
    let answer = tokio::spawn(async move { read_answer(&mut cancelling).await });
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    while !answer.is_finished() {
        let since = Instant::now();
        heartbeat(&server, 2).await;
        slowest = slowest.max(since.elapsed());
    }
    let took = began.elapsed();
    let answer = answer.await.unwrap();
    assert!(answer.contains("\"changed\":10000,"), "{}", &answer[answer.len().saturating_sub(200)..]);
    // Whatever else the machine has to do: in one transaction of all, a heartbeat waits for nearly all of it.
    assert!(slowest < took / 2, "two heartbeats took {slowest:?} of {took:?}");
    server.stop().await;
}
