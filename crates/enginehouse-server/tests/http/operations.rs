//! Operations: what is written down stays, each member has its turn once, and whatever is not done is counted.

use enginehouse_server::operations::runner::work_on_operations;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::permissions::{call_as, token};

async fn call(app: &mut TestApp, line: &str, body: Value) -> Value {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    app.prepare(line, &text).await.json()
}

async fn enqueue(app: &mut TestApp, drafts: Vec<Value>) -> Vec<String> {
    let answer = call(app, "POST /v1/events/batch", json!({ "events": drafts })).await;
    let ids = answer["events"].as_array().unwrap().iter();
    ids.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

async fn shown(app: &mut TestApp, operation: &Value) -> Value {
    call(app, &format!("GET /v1/operations/{}", operation["operation_id"].as_str().unwrap()), json!(null)).await
}

fn counts(operation: &Value) -> Value {
    let names = ["status", "total", "changed", "conflicts", "failed", "remaining"];
    names.iter().map(|name| operation[name].clone()).collect()
}

#[tokio::test]
async fn what_matches_is_cancelled_and_what_comes_later_is_left_alone() {
    let mut app = TestApp::new();
    // More than one transaction takes, and more than one page finds.
    let ours = enqueue(&mut app, vec![json!({"event_type": "a"}); 701]).await;
    enqueue(&mut app, vec![json!({"event_type": "b"})]).await;
    let request = json!({"action": "cancel_events", "filter": "type:a", "reason": "too old"});
    let preview = call(&mut app, "POST /v1/operations/preview", request.clone()).await;
    assert_eq!(
        json!([preview["count"], preview["count_is_exact"], preview["effect"]]),
        json!([701, true, "Cancels 701 events"])
    );
    assert_eq!(preview["samples"].as_array().unwrap().len(), 10);
    assert_eq!(preview["samples"][0], json!({"id": ours[700], "kind": "a", "queue": "default", "status": "queued"}));
    let created = call(&mut app, "POST /v1/operations", request).await;
    assert_eq!(counts(&created), json!(["collecting", 0, 0, 0, 0, 0]));
    app.pass(1).await;
    let late = enqueue(&mut app, vec![json!({"event_type": "a"})]).await;
    work_on_operations(&app.app).await;
    let done = shown(&mut app, &created).await;
    assert_eq!(counts(&done), json!(["completed", 701, 701, 0, 0, 0]));
    assert_eq!(json!([done["filter"], done["reason"], done["created_by"]]), json!(["type:a", "too old", "anyone"]));
    let stats = call(&mut app, "GET /v1/stats", json!(null)).await;
    assert_eq!(json!([stats["events"]["queued"], stats["events"]["cancelled"]]), json!([2, 701]));
    let event = call(&mut app, &format!("GET /v1/events/{}", late[0]), json!(null)).await;
    assert_eq!(event["status"], "queued");
    let history = call(&mut app, &format!("GET /v1/events/{}/history", ours[0]), json!(null)).await;
    let by = format!("operation {}", created["operation_id"].as_str().unwrap());
    let actions = history["actions"].as_array().unwrap();
    assert_eq!((actions.len(), &actions[0]["by"], &actions[0]["action"]), (1, &json!(by), &json!("cancel")), "once");
    assert_eq!(actions[0]["detail"], "created_by: anyone, reason: too old");
    app.close().await;
}

#[tokio::test]
async fn a_scenario_run_is_cancelled_and_other_runs_go_on() {
    let mut app = TestApp::new();
    let of_run = |run: &str| json!({"event_type": "a", "scenario_run_id": run});
    enqueue(&mut app, vec![of_run("night.7"), of_run("night.7"), of_run("night.70"), json!({"event_type": "a"})]).await;
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1,"limit":1}"#).await;
    let request = json!({"force": true, "reason": "the wrong film"});
    let created = call(&mut app, "POST /v1/scenario-runs/night.7/cancel", request).await;
    let asked: Vec<_> = ["action", "filter", "reason", "force"].iter().map(|name| &created[name]).collect();
    assert_eq!(json!(asked), json!(["cancel_events", "run:night.7", "the wrong film", true]));
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &created).await), json!(["completed", 2, 2, 0, 0, 0]));
    let run = call(&mut app, "GET /v1/scenario-runs/night.7", json!(null)).await;
    assert_eq!(json!([run["events"]["cancelled"], run["estimated_end_at"]]), json!([2, null]));
    let other = call(&mut app, "GET /v1/scenario-runs/night.70", json!(null)).await;
    assert_eq!(other["events"]["queued"], 1);
    app.call("POST /v1/scenario-runs/none/cancel", "").await;
    assert!(app.close().await.contains("there is no scenario run none"));
}

#[tokio::test]
async fn a_scenario_run_says_how_fast_it_goes_and_when_it_will_have_ended() {
    let mut app = TestApp::new();
    enqueue(&mut app, vec![json!({"event_type": "a", "scenario_run_id": "night"}); 200]).await;
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    for _ in 0..100 {
        app.pass(1).await;
        let claimed = call(&mut app, "POST /v1/engines/e/claim", json!({"epoch": 1, "limit": 1})).await;
        let (id, token) = (&claimed["events"][0]["event_id"], &claimed["events"][0]["lock"]["token"]);
        let line = format!("POST /v1/events/{}/complete", id.as_str().unwrap());
        call(&mut app, &line, json!({"lock_token": token})).await;
    }
    let run = call(&mut app, "GET /v1/scenario-runs/night", json!(null)).await;
    assert_eq!(run["last_activity_at"], "2026-01-01T00:01:40.000Z");
    assert_eq!(run["ends_per_second"], 1.0);
    // Another 100 s, rounded up to the next eight.
    assert_eq!(run["estimated_end_at"], "2026-01-01T00:03:28.000Z");
    call(&mut app, "POST /v1/scenario-runs/night/pause", json!(null)).await;
    app.pass(600).await;
    let paused = call(&mut app, "GET /v1/scenario-runs", json!(null)).await["items"][0].clone();
    assert_eq!(paused["estimated_end_at"], json!(null), "nothing ends while it is paused");
    let rate = paused["ends_per_second"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < 0.1, "{rate}");
    app.pass(3_600).await;
    assert_eq!(call(&mut app, "GET /v1/scenario-runs", json!(null)).await["items"][0]["ends_per_second"], 0.0);
    app.close().await;
}

#[tokio::test]
async fn members_that_have_moved_on_are_conflicts_and_say_why() {
    let mut app = TestApp::new();
    let ids = enqueue(&mut app, vec![json!({"event_type": "a"}); 4]).await;
    let request = json!({"action": "cancel_events", "filter": "type:a", "rate_per_second": 1});
    let operation = call(&mut app, "POST /v1/operations", request).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &operation).await), json!(["running", 4, 1, 0, 0, 3]), "one a second");
    // The next two are cancelled by somebody else meanwhile.
    for id in &ids[1..3] {
        app.prepare(&format!("POST /v1/events/{id}/cancel"), "").await;
    }
    for _ in 0..3 {
        app.pass(1).await;
        work_on_operations(&app.app).await;
    }
    let done = shown(&mut app, &operation).await;
    assert_eq!(counts(&done), json!(["completed", 4, 2, 2, 0, 0]));
    let why = "it is so already";
    let second = json!({"id": ids[2], "outcome": "conflict", "why": why});
    let third = json!({"id": ids[1], "outcome": "conflict", "why": why});
    assert_eq!(done["last_conflicts"], json!([third, second]), "the last one first");
    let id = operation["operation_id"].as_str().unwrap();
    let page = call(&mut app, &format!("GET /v1/operations/{id}/conflicts?limit=1"), json!(null)).await;
    assert_eq!(page["items"], json!([second]));
    let next = format!("GET /v1/operations/{id}/conflicts?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(call(&mut app, &next, json!(null)).await, json!({"items": [third], "next_cursor": null}));
    app.close().await;
}

#[tokio::test]
async fn a_cancelled_operation_does_nothing_more_and_says_how_many_are_left() {
    let mut app = TestApp::new();
    enqueue(&mut app, vec![json!({"event_type": "a"}); 5]).await;
    let request = json!({"action": "cancel_events", "all": true, "rate_per_second": 1});
    let operation = call(&mut app, "POST /v1/operations", request).await;
    work_on_operations(&app.app).await;
    let line = format!("POST /v1/operations/{}/cancel", operation["operation_id"].as_str().unwrap());
    let cancelled = call(&mut app, &line, json!(null)).await;
    assert_eq!(counts(&cancelled), json!(["cancelled", 5, 1, 0, 0, 4]));
    app.pass(60).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &operation).await), json!(["cancelled", 5, 1, 0, 0, 4]));
    assert_eq!(call(&mut app, &line, json!(null)).await["status"], "cancelled", "again is the same as once");
    let stats = call(&mut app, "GET /v1/stats", json!(null)).await;
    assert_eq!(stats["events"]["queued"], 4);
    let audit = call(&mut app, "GET /v1/audit?action=operation", json!(null)).await;
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|item| item["action"].clone()).collect();
    assert_eq!(actions, ["operation.cancel", "operation.create"]);
    let list = call(&mut app, "GET /v1/operations", json!(null)).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    app.close().await;
}

#[tokio::test]
async fn dead_letters_are_redriven_oldest_first_up_to_a_limit() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    let ids = enqueue(&mut app, vec![json!({"event_type": "a"}); 3]).await;
    let claimed = call(&mut app, "POST /v1/engines/e/claim", json!({"epoch": 1, "limit": 3})).await;
    for event in claimed["events"].as_array().unwrap() {
        let fail = json!({"lock_token": event["lock"]["token"], "error": {"message": "no"}, "retryable": false, "dead_letter": true});
        let line = format!("POST /v1/events/{}/fail", event["event_id"].as_str().unwrap());
        app.prepare(&line, &fail.to_string()).await;
    }
    let request = json!({"action": "redrive_dead_letters", "filter": "type:a", "limit": 2});
    let preview = call(&mut app, "POST /v1/operations/preview", request.clone()).await;
    assert_eq!(json!([preview["effect"], preview["samples"][0]["id"]]), json!(["Redrives 2 dead letters", ids[0]]));
    let operation = call(&mut app, "POST /v1/operations", request).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &operation).await), json!(["completed", 2, 2, 0, 0, 0]));
    for (id, status) in ids.iter().zip(["queued", "queued", "failed"]) {
        assert_eq!(call(&mut app, &format!("GET /v1/events/{id}"), json!(null)).await["status"], status);
    }
    let discard = json!({"action": "discard_dead_letters", "all": true});
    let operation = call(&mut app, "POST /v1/operations", discard).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &operation).await), json!(["completed", 1, 1, 0, 0, 0]));
    app.close().await;
}

#[tokio::test]
async fn engines_of_a_version_are_drained_and_resumed() {
    let mut app = TestApp::new();
    for (engine, version) in [("a", "1.0.0"), ("b", "1.0.0"), ("c", "2.0.0")] {
        let body = json!({"engine_type": "t", "metadata": {"static_config": {"engine_software_version": version}}});
        app.prepare(&format!("PUT /v1/engines/{engine}"), &body.to_string()).await;
    }
    for (action, filter, changed, status) in
        [("drain_engines", "version:1.0.0", 2, "draining"), ("resume_engines", "status:draining", 2, "active")]
    {
        let operation = call(&mut app, "POST /v1/operations", json!({"action": action, "filter": filter})).await;
        work_on_operations(&app.app).await;
        assert_eq!(
            counts(&shown(&mut app, &operation).await),
            json!(["completed", changed, changed, 0, 0, 0]),
            "{action}"
        );
        for (engine, status) in [("a", status), ("b", status), ("c", "active")] {
            let shown = call(&mut app, &format!("GET /v1/engines/{engine}"), json!(null)).await;
            assert_eq!(shown["status"], status, "{engine} after {action}");
        }
    }
    app.close().await;
}

/// A version that misbehaves is kept from one type of events, and given them again; what is so already is a conflict.
#[tokio::test]
async fn engines_of_a_version_are_quarantined_and_lifted() {
    let mut app = TestApp::new();
    for (engine, version) in [("a", "1.0.0"), ("b", "1.0.0"), ("c", "2.0.0")] {
        let body = json!({"engine_type": "t", "metadata": {"static_config": {"engine_software_version": version}}});
        app.prepare(&format!("PUT /v1/engines/{engine}"), &body.to_string()).await;
    }
    let kept = json!({"reason": "bad frames", "until": "2026-01-01T02:00:00.000Z", "event_types": ["frame.render"]});
    app.prepare("POST /v1/engines/a/quarantine", &kept.to_string()).await;
    let quarantine = json!({"action": "quarantine_engines", "filter": "version:1.0.0", "reason": "bad frames",
        "until": "2026-01-01T02:00:00Z", "event_types": ["frame.render"]});
    let operation = call(&mut app, "POST /v1/operations", quarantine).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &operation).await), json!(["completed", 2, 1, 1, 0, 0]), "a was in it already");
    let with = shown(&mut app, &operation).await;
    assert_eq!((&with["until"], &with["event_types"]), (&kept["until"], &kept["event_types"]));
    for (engine, is_kept) in [("a", true), ("b", true), ("c", false)] {
        let shown = call(&mut app, &format!("GET /v1/engines/{engine}"), json!(null)).await;
        for field in ["reason", "until", "event_types"] {
            assert_eq!(&shown["quarantine"][field], if is_kept { &kept[field] } else { &Value::Null }, "{engine}");
        }
    }
    // One whose end comes before an engine has its turn changes nothing, and an empty reason is none.
    let soon = json!({"action": "quarantine_engines", "filter": "id:c", "reason": "", "until": "2026-01-01T00:10:00Z"});
    let late = call(&mut app, "POST /v1/operations", soon).await;
    app.pass(700).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &late).await), json!(["completed", 1, 0, 1, 0, 0]));
    assert!(call(&mut app, "GET /v1/engines/c", json!(null)).await["quarantine"].is_null());
    let now = json!({"action": "quarantine_engines", "filter": "id:c", "reason": ""});
    call(&mut app, "POST /v1/operations", now).await;
    work_on_operations(&app.app).await;
    let kept = call(&mut app, "GET /v1/engines/c", json!(null)).await;
    assert_eq!(kept["quarantine"]["reason"], "by an operation, which gave no reason");
    app.prepare("POST /v1/engines/c/lift", "").await;
    // Only engines in a quarantine are about to be lifted.
    let lift = json!({"action": "lift_quarantines", "all": true});
    let preview = call(&mut app, "POST /v1/operations/preview", lift.clone()).await;
    assert_eq!((&preview["count"], &preview["effect"]), (&json!(2), &json!("Lifts the quarantines of 2 engines")));
    let operation = call(&mut app, "POST /v1/operations", lift).await;
    app.prepare("POST /v1/engines/b/lift", "").await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &operation).await)[0], "completed");
    for engine in ["a", "b", "c"] {
        let shown = call(&mut app, &format!("GET /v1/engines/{engine}"), json!(null)).await;
        assert!(shown["quarantine"].is_null(), "{engine}");
    }
    app.close().await;
}

#[tokio::test]
async fn what_is_meant_has_to_be_said_in_terms_that_there_are() {
    let mut app = TestApp::new();
    for (body, pointer) in [
        (json!({"action": "cancel_events"}), "/filter"),
        (json!({"action": "cancel_events", "filter": "quue:a"}), "/filter"),
        (json!({"action": "cancel_events", "filter": "status:completed"}), "/filter"),
        (json!({"action": "drain_engines", "all": true, "force": true}), "/force"),
        (json!({"action": "explode", "all": true}), "/action"),
        (json!({"action": "cancel_events", "all": true, "speed": 1}), "/speed"),
    ] {
        for line in ["POST /v1/operations", "POST /v1/operations/preview"] {
            let answer = app.call(line, &body.to_string()).await;
            assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
        }
    }
    let nothing = "GET /v1/operations/0193f2a0-0000-7000-8000-000000000000";
    assert_eq!(app.call(nothing, "").await.status, 404);
    app.close().await;
}

/// What no index answers is compared one by one, and found in the same order, a limit included.
#[tokio::test]
async fn what_an_operation_is_about_is_found_by_every_term() {
    let mut app = TestApp::new();
    let draft = |number: usize| {
        json!({"event_type": if number.is_multiple_of(2) { "film.frame" } else { "film.sound" }, "payload": {"scene": number % 3},
            "labels": {"team": if number < 6 { "a" } else { "b" }}})
    };
    let ids = enqueue(&mut app, (0..12).map(draft).collect()).await;
    for (filter, limit, expected) in [
        ("type:film.f*", None, &[10, 8, 6, 4, 2, 0][..]),
        ("type:film.* -label.team:b", None, &[5, 4, 3, 2, 1, 0]),
        ("type:film.frame,film.sound payload.scene:2", None, &[11, 8, 5, 2]),
        ("payload.scene:1", Some(2), &[10, 7]),
        ("attempts:>0", None, &[]),
    ] {
        let request = json!({"action": "cancel_events", "filter": filter, "limit": limit});
        let preview = call(&mut app, "POST /v1/operations/preview", request).await;
        let found: Vec<_> = preview["samples"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        let expected: Vec<_> = expected.iter().map(|number| json!(ids[*number])).collect();
        assert_eq!((found, &preview["count"]), (expected.clone(), &json!(expected.len())), "{filter}");
    }
    let request = json!({"action": "cancel_events", "filter": "payload.scene:1 type:film.f*"});
    let created = call(&mut app, "POST /v1/operations", request).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &created).await), json!(["completed", 2, 2, 0, 0, 0]));
    // Whoever may not read payloads does not find out by a preview what stands in them.
    let operator = token(&app, r#"{"name":"operator","role":"operator","read_payloads":false}"#).await;
    let asked = r#"{"action":"cancel_events","filter":"payload.scene:1"}"#;
    for line in ["POST /v1/operations/preview", "POST /v1/operations"] {
        let refused = call_as(&app, &operator, line, asked).await;
        assert!(refused.status == 403 && refused.body.contains("events:read_payload"), "{}", refused.body);
    }
    app.close().await;
}

/// Oldest first, also where they are compared one by one, and more than one page of them.
#[tokio::test]
async fn dead_letters_are_found_by_every_term_oldest_first() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    let ids = enqueue(&mut app, vec![json!({"event_type": "a"}); 450]).await;
    let mut failed = 0;
    while failed < ids.len() {
        let claimed = call(&mut app, "POST /v1/engines/e/claim", json!({"epoch": 1, "limit": 100})).await;
        let settlements: Vec<_> = claimed["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                let place = ids.iter().position(|id| event["event_id"] == json!(id)).unwrap();
                let message = if place % 100 == 99 { "a timeout" } else { "broken" };
                json!({"event_id": event["event_id"], "lock_token": event["lock"]["token"], "outcome": "fail", "dead_letter": true,
                    "retryable": false, "error": {"message": message}})
            })
            .collect();
        failed += settlements.len();
        call(&mut app, "POST /v1/events/settle", json!({"settlements": settlements})).await;
    }
    for (limit, expected) in [(None, &[99, 199, 299, 399][..]), (Some(2), &[99, 199]), (Some(3), &[99, 199, 299])] {
        let request = json!({"action": "discard_dead_letters", "filter": "error:~TIMEOUT", "limit": limit});
        let preview = call(&mut app, "POST /v1/operations/preview", request).await;
        let found: Vec<_> = preview["samples"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        assert_eq!(found, expected.iter().map(|place| json!(ids[*place])).collect::<Vec<_>>(), "{limit:?}");
        assert_eq!(preview["count"], expected.len());
    }
    let request = json!({"action": "discard_dead_letters", "filter": "error:~timeout", "limit": 3});
    let created = call(&mut app, "POST /v1/operations", request).await;
    work_on_operations(&app.app).await;
    assert_eq!(counts(&shown(&mut app, &created).await), json!(["completed", 3, 3, 0, 0, 0]));
    app.close().await;
}

#[tokio::test]
async fn one_caller_has_so_many_unfinished_operations_at_most() {
    let mut app = TestApp::new();
    let request = json!({"action": "cancel_events", "filter": "type:a"});
    for _ in 0..10 {
        call(&mut app, "POST /v1/operations", request.clone()).await;
    }
    let refused = app.call("POST /v1/operations", &request.to_string()).await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("limit_reached")), "{}", refused.body);
    work_on_operations(&app.app).await;
    call(&mut app, "POST /v1/operations", request).await;
    app.close().await;
}

/// A token acts on what its selectors reach, as they were; it sees its own operations, and its revocation ends them.
#[tokio::test]
async fn an_operation_acts_with_the_selectors_of_its_token_until_that_is_revoked() {
    let mut app = TestApp::new();
    let drafts = ["eu", "us"].map(|queue| json!({"event_type": "a", "queue": queue}));
    enqueue(&mut app, drafts.iter().cycle().take(6).cloned().collect()).await;
    let admin = token(&app, r#"{"name":"admin","role":"admin"}"#).await;
    let viewer = token(&app, r#"{"name":"viewer","role":"viewer"}"#).await;
    let eu = token(&app, r#"{"name":"eu","role":"operator","selectors":{"queues":["eu"]}}"#).await;
    let request = r#"{"action":"cancel_events","all":true,"rate_per_second":1}"#;
    assert_eq!(call_as(&app, &viewer, "POST /v1/operations", request).await.status, 403);
    let producer = token(&app, r#"{"name":"producer","role":"producer"}"#).await;
    let engines = r#"{"action":"drain_engines","all":true}"#;
    assert_eq!(call_as(&app, &producer, "POST /v1/operations", engines).await.status, 403);
    let operation = call_as(&app, &eu, "POST /v1/operations", request).await.json();
    let of_admin = call_as(&app, &admin, "POST /v1/operations", r#"{"action":"retry_events","all":true}"#).await.json();
    work_on_operations(&app.app).await;
    let path = |operation: &Value| format!("GET /v1/operations/{}", operation["operation_id"].as_str().unwrap());
    let seen = call_as(&app, &eu, &path(&operation), "").await.json();
    assert_eq!(counts(&seen), json!(["running", 3, 1, 0, 0, 2]), "those of its queue alone");
    assert_eq!(call_as(&app, &eu, &path(&of_admin), "").await.status, 404);
    let list = call_as(&app, &eu, "GET /v1/operations", "").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(call_as(&app, &viewer, &path(&operation), "").await.status, 200);
    let accessor = eu.split('_').nth(1).unwrap();
    assert_eq!(call_as(&app, &admin, &format!("DELETE /v1/tokens/{accessor}"), "").await.status, 200);
    app.pass(10).await;
    work_on_operations(&app.app).await;
    let ended = call_as(&app, &admin, &path(&operation), "").await.json();
    assert_eq!(counts(&ended), json!(["failed", 3, 1, 0, 0, 2]));
    assert_eq!(ended["failure"], "the token that it was created with was revoked");
    app.close().await;
}
