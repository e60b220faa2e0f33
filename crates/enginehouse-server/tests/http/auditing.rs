//! What people do is in the audit log, and what they are kept from.

use std::collections::BTreeSet;
use std::time::Duration;

use enginehouse_core::access::secret::AccessToken;
use enginehouse_core::audit::AuditRecord;
use enginehouse_core::audit::chain::ChainVerifier;
use enginehouse_core::time::Timestamp;
use http::HeaderValue;
use serde_json::{Value, json};

use crate::app::{Answer, START, TestApp, field, request};
use crate::permissions::{call_as, token};
use crate::sessions::{call_in, register};

/// What engines and producers do as they work: metrics and the histories of events have it.
const ROUTINE: [&str; 4] = ["engines:work", "engines:register", "events:enqueue", "attempts:settle"];

/// Makes a call with a token, under an id that the audit log must have.
async fn call_with_id(app: &TestApp, token: &str, id: &str, (line, body): (&str, &str)) -> Answer {
    let mut request = request(line, "application/json", body);
    let headers = request.headers_mut();
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    headers.insert("x-request-id", HeaderValue::from_str(id).unwrap());
    app.send(request).await
}

fn accessor(token: &str) -> String {
    token.parse::<AccessToken>().unwrap().accessor().to_string()
}

/// The entries that a list answers.
async fn entries(app: &TestApp, token: &str, query: &str) -> Vec<Value> {
    let answer = call_as(app, token, &format!("GET /v1/audit?limit=1000{query}"), "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["items"].as_array().unwrap().clone()
}

async fn enqueued(app: &TestApp, token: &str, draft: &str) -> String {
    field(&call_as(app, token, "POST /v1/events", draft).await, "/event_id")
}

/// An event that has failed for good.
async fn dead(app: &TestApp, token: &str, session: &str, event_type: &str) -> String {
    let event = enqueued(app, token, &format!(r#"{{"event_type":"{event_type}"}}"#)).await;
    let claim = format!(r#"{{"epoch":1,"event_types":["{event_type}"]}}"#);
    let claimed = call_in(app, token, session, "POST /v1/engines/e/claim", &claim).await;
    let lock = field(&claimed, "/events/0/lock/token");
    let failure =
        format!(r#"{{"lock_token":"{lock}","error":{{"message":"no"}},"retryable":false,"dead_letter":true}}"#);
    let failed = call_in(app, token, session, &format!("POST /v1/events/{event}/fail"), &failure).await;
    assert_eq!(failed.status, 200, "{}", failed.body);
    event
}

/// Calls that people make and that change something, as `method template`.
fn changing_calls() -> BTreeSet<String> {
    let openapi: Value = serde_json::from_str(&enginehouse_server::http::openapi_text()).unwrap();
    let mut calls = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "get") {
            let any_of = operation["x-permission"]["any_of"].as_array().cloned().unwrap_or_default();
            // A preview changes nothing.
            let is_preview = path.ends_with("/preview");
            if !is_preview && any_of.iter().any(|name| !ROUTINE.contains(&name.as_str().unwrap())) {
                calls.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    calls
}

/// A call, what it does, and to what.
type Change = (&'static str, String, &'static str, &'static str);

/// Each of the changing calls once, with what it needs made ready.
async fn changes(app: &TestApp, admin: &str) -> Vec<Change> {
    let session = register(app, admin, "e").await;
    register(app, admin, "f").await;
    let later = r#"{"event_type":"later","delay_seconds":2592000}"#;
    let (cancelled, retried, changed) =
        (enqueued(app, admin, later).await, enqueued(app, admin, later).await, enqueued(app, admin, later).await);
    let again = enqueued(app, admin, r#"{"event_type":"again"}"#).await;
    call_as(app, admin, &format!("POST /v1/events/{again}/cancel"), "").await;
    for event_type in ["bulk-cancel", "bulk-retry"] {
        enqueued(app, admin, &format!(r#"{{"event_type":"{event_type}","delay_seconds":2592000}}"#)).await;
    }
    enqueued(app, admin, r#"{"event_type":"later","delay_seconds":2592000,"scenario_run_id":"r"}"#).await;
    enqueued(app, admin, r#"{"event_type":"keyed","idempotency_key":"nightly"}"#).await;
    let (redriven, discarded) =
        (dead(app, admin, &session, "dead-a").await, dead(app, admin, &session, "dead-b").await);
    dead(app, admin, &session, "dead-c").await;
    dead(app, admin, &session, "dead-d").await;
    let made = call_as(app, admin, "POST /v1/tokens", r#"{"name":"made","role":"viewer"}"#).await;
    let made = field(&made, "/kept/accessor");
    let lasting = r#"{"action":"cancel_events","filter":"type:nothing"}"#;
    let operation = call_as(app, admin, "POST /v1/operations", lasting).await;
    let operation = field(&operation, "/operation_id");
    let plain = |call: &'static str, body, action| (call, call.to_owned(), body, action);
    vec![
        ("POST /v1/events/{event_id}/cancel", format!("POST /v1/events/{cancelled}/cancel"), "", "event.cancel"),
        ("POST /v1/events/{event_id}/retry", format!("POST /v1/events/{retried}/retry"), "", "event.retry"),
        ("PATCH /v1/events/{event_id}", format!("PATCH /v1/events/{changed}"), r#"{"priority":1}"#, "event.change"),
        ("POST /v1/events/{event_id}/redrive", format!("POST /v1/events/{again}/redrive"), "", "event.redrive"),
        plain("POST /v1/events/cancel", r#"{"filter":{"event_type":"bulk-cancel"}}"#, "event.cancel"),
        plain("POST /v1/events/retry", r#"{"filter":{"event_type":"bulk-retry"}}"#, "event.retry"),
        (
            "DELETE /v1/idempotency-keys",
            "DELETE /v1/idempotency-keys?idempotency_key=nightly".to_owned(),
            "",
            "event.release_key",
        ),
        (
            "POST /v1/dead-letters/{event_id}/redrive",
            format!("POST /v1/dead-letters/{redriven}/redrive"),
            "",
            "dead_letter.redrive",
        ),
        (
            "DELETE /v1/dead-letters/{event_id}",
            format!("DELETE /v1/dead-letters/{discarded}"),
            "",
            "dead_letter.discard",
        ),
        plain("POST /v1/dead-letters/redrive", r#"{"filter":{"event_type":"dead-c"}}"#, "dead_letter.redrive"),
        plain("POST /v1/dead-letters/discard", r#"{"filter":{"event_type":"dead-d"}}"#, "dead_letter.discard"),
        plain("POST /v1/operations", r#"{"action":"retry_events","filter":"type:nothing"}"#, "operation.create"),
        (
            "POST /v1/operations/{operation_id}/cancel",
            format!("POST /v1/operations/{operation}/cancel"),
            "",
            "operation.cancel",
        ),
        ("PUT /v1/event-types/{event_type}", "PUT /v1/event-types/a".to_owned(), "{}", "event_type.set"),
        ("POST /v1/event-types/{event_type}/pause", "POST /v1/event-types/a/pause".to_owned(), "", "event_type.pause"),
        (
            "POST /v1/event-types/{event_type}/resume",
            "POST /v1/event-types/a/resume".to_owned(),
            "",
            "event_type.resume",
        ),
        ("DELETE /v1/event-types/{event_type}", "DELETE /v1/event-types/a".to_owned(), "", "event_type.delete"),
        ("PUT /v1/queues/{queue}", "PUT /v1/queues/q".to_owned(), "{}", "queue.set"),
        ("POST /v1/queues/{queue}/pause", "POST /v1/queues/q/pause".to_owned(), "", "queue.pause"),
        ("POST /v1/queues/{queue}/resume", "POST /v1/queues/q/resume".to_owned(), "", "queue.resume"),
        ("DELETE /v1/queues/{queue}", "DELETE /v1/queues/q".to_owned(), "", "queue.delete"),
        (
            "POST /v1/scenario-runs/{scenario_run_id}/pause",
            "POST /v1/scenario-runs/r/pause".to_owned(),
            "",
            "scenario_run.pause",
        ),
        (
            "POST /v1/scenario-runs/{scenario_run_id}/resume",
            "POST /v1/scenario-runs/r/resume".to_owned(),
            "",
            "scenario_run.resume",
        ),
        (
            "POST /v1/scenario-runs/{scenario_run_id}/cancel",
            "POST /v1/scenario-runs/r/cancel".to_owned(),
            "",
            "operation.create",
        ),
        (
            "POST /v1/engines/{engine_id}/quarantine",
            "POST /v1/engines/e/quarantine".to_owned(),
            r#"{"reason":"its fan is loud"}"#,
            "engine.quarantine",
        ),
        ("POST /v1/engines/{engine_id}/lift", "POST /v1/engines/e/lift".to_owned(), "", "engine.lift"),
        ("POST /v1/engines/{engine_id}/drain", "POST /v1/engines/e/drain".to_owned(), "", "engine.drain"),
        ("POST /v1/engines/{engine_id}/resume", "POST /v1/engines/e/resume".to_owned(), "", "engine.resume"),
        ("DELETE /v1/engines/{engine_id}", "DELETE /v1/engines/f".to_owned(), "", "engine.deregister"),
        plain("POST /v1/tokens", r#"{"name":"another","role":"viewer"}"#, "token.create"),
        ("POST /v1/tokens/{accessor}/rotate", format!("POST /v1/tokens/{made}/rotate"), "", "token.rotate"),
        ("DELETE /v1/tokens/{accessor}", format!("DELETE /v1/tokens/{made}"), "", "token.revoke"),
        plain("POST /v1/clock/accept", "", "clock.accept"),
    ]
}

#[tokio::test]
async fn every_change_by_a_person_is_in_the_audit_log() {
    let mut app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let changes = changes(&app, &admin).await;
    let covered: BTreeSet<_> = changes.iter().map(|(call, ..)| (*call).to_owned()).collect();
    assert_eq!(covered, changing_calls(), "a call that changes something has a row above");
    // So that there is something to accept.
    app.clock.set_wall(Timestamp::from_millis(START) + Duration::from_secs(8 * 24 * 3_600));
    app.pass(0).await;
    for (number, (call, line, body, action)) in changes.iter().enumerate() {
        let id = format!("change-{number}");
        let answer = call_with_id(&app, &admin, &id, (line, body)).await;
        assert!((200..300).contains(&answer.status), "{call}: {}", answer.body);
        let all = entries(&app, &admin, "").await;
        let of_call: Vec<_> = all.iter().filter(|entry| entry["request_id"] == *id).collect();
        assert_eq!(of_call.len(), 1, "{call}: {all:?}");
        let entry = of_call[0];
        let expected = json!({
            "action": action, "principal": accessor(&admin), "address": "127.0.0.1", "outcome": "done",
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(entry[name], *value, "{call}");
        }
        assert!(!entry["target"].as_str().unwrap().is_empty(), "{call}");
    }
    // All of it is one chain, which the API shows.
    app.store().link_audit().await.unwrap();
    let answer = call_as(&app, &admin, "GET /v1/audit/chain?limit=1000", "").await;
    let chain: enginehouse_api::audit::AuditChain = serde_json::from_str(&answer.body).unwrap();
    let mut verifier = ChainVerifier::new(chain.ends().deleted);
    for item in chain.items.clone() {
        verifier.read(&AuditRecord::from(item)).unwrap();
    }
    verifier.finish(chain.ends().head).unwrap();
    assert!(verifier.entries() >= changes.len() as u64 && chain.unlinked == 0);
    assert!(!answer.body.contains("eh1_"), "no token is in it: {}", answer.body);
    app.close().await;
}

#[tokio::test]
async fn settings_are_in_it_as_they_were_and_as_they_are() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    call_as(&app, &admin, "PUT /v1/queues/q", r#"{"visibility_timeout_seconds":60}"#).await;
    call_as(&app, &admin, "PUT /v1/queues/q", r#"{"visibility_timeout_seconds":90}"#).await;
    call_as(&app, &admin, "DELETE /v1/queues/q", "").await;
    let timeout = |of: &Value| of["settings"]["visibility_timeout_seconds"].clone();
    let found = entries(&app, &admin, "&action=queue").await;
    let found: Vec<_> =
        found.iter().map(|entry| (timeout(&entry["detail"]["before"]), timeout(&entry["detail"]["after"]))).collect();
    assert_eq!(found, [(json!(90), json!(null)), (json!(60), json!(90)), (json!(null), json!(60))]);
    app.close().await;
}

#[tokio::test]
async fn what_was_denied_is_in_it_but_no_more_than_ten_a_minute_of_one_caller() {
    let mut app = TestApp::new();
    let (admin, viewer) =
        (token(&app, r#"{"name":"root","role":"admin"}"#).await, token(&app, r#"{"name":"v","role":"viewer"}"#).await);
    let producer = token(&app, r#"{"name":"p","role":"producer","selectors":{"queues":["a.*"]}}"#).await;
    call_with_id(&app, &viewer, "denied-1", ("POST /v1/queues/q/pause", "")).await;
    let elsewhere = ("POST /v1/events", r#"{"event_type":"t","queue":"b"}"#);
    assert_eq!(call_with_id(&app, &producer, "denied-2", elsewhere).await.status, 403);
    for _ in 0..12 {
        assert_eq!(call_as(&app, &viewer, "GET /v1/tokens", "").await.status, 403);
    }
    assert_eq!(entries(&app, &admin, "&outcome=denied").await, Vec::<Value>::new(), "nobody waits for them");
    app.app.write_audit_notes().await;
    let denied = entries(&app, &admin, "&outcome=denied").await;
    assert_eq!(denied.len(), 11);
    let of = |id: &str| denied.iter().find(|entry| entry["request_id"] == *id).unwrap();
    let shown = |entry: &Value| {
        let texts = ["principal", "address", "action", "target"].map(|name| entry[name].as_str().unwrap().to_owned());
        (texts.join(" "), entry["detail"]["on"].clone())
    };
    let expected = format!("{} 127.0.0.1 settings:pause POST /v1/queues/q/pause", accessor(&viewer));
    assert_eq!(shown(of("denied-1")), (expected, json!(null)));
    let expected = format!("{} 127.0.0.1 events:enqueue POST /v1/events", accessor(&producer));
    assert_eq!(shown(of("denied-2")), (expected, json!("queue b")));
    app.pass(90).await;
    // Any call brings the store's time.
    call_as(&app, &admin, "POST /v1/queues/q/pause", "").await;
    app.app.write_audit_notes().await;
    let left_out = entries(&app, &admin, "&action=denials").await;
    assert_eq!((left_out.len(), &left_out[0]["detail"]), (1, &json!({ "left_out": 3 })));
    assert_eq!(left_out[0]["principal"], accessor(&viewer));
    app.close().await;
}

#[tokio::test]
async fn the_first_use_of_a_token_from_an_address_is_in_it_once() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    for _ in 0..3 {
        call_as(&app, &admin, "GET /v1/stats", "").await;
        app.app.write_audit_notes().await;
    }
    let uses = entries(&app, &admin, "&action=token.first_use").await;
    assert_eq!(uses.len(), 1, "{uses:?}");
    let of_admin = json!(accessor(&admin));
    assert_eq!((&uses[0]["target"], &uses[0]["principal"]), (&of_admin, &of_admin));
    assert_eq!(uses[0]["address"], "127.0.0.1");
    app.close().await;
}

#[tokio::test]
async fn the_list_has_pages_and_filters_and_only_an_admin_sees_it() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let operator = token(&app, r#"{"name":"op","role":"operator"}"#).await;
    for queue in ["a", "b", "c"] {
        call_as(&app, &operator, &format!("POST /v1/queues/{queue}/pause"), "").await;
    }
    assert_eq!(call_as(&app, &operator, "GET /v1/audit", "").await.status, 403);
    assert_eq!(call_as(&app, &operator, "GET /v1/audit/chain", "").await.status, 403);
    let of_operator = format!("principal={}", accessor(&operator));
    let first = call_as(&app, &admin, &format!("GET /v1/audit?{of_operator}&limit=2"), "").await;
    let cursor = field(&first, "/next_cursor");
    let second = call_as(&app, &admin, &format!("GET /v1/audit?{of_operator}&limit=2&cursor={cursor}"), "").await;
    let targets = |answer: &Answer| -> Vec<String> {
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["target"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((targets(&first), targets(&second)), (vec!["c".to_owned(), "b".to_owned()], vec!["a".to_owned()]));
    assert_eq!(second.json()["next_cursor"], Value::Null);
    assert_eq!(entries(&app, &admin, "&target=b&action=queue.pause&outcome=done").await.len(), 1);
    assert_eq!(entries(&app, &admin, "&until=2026-01-01T00:00:00Z&action=queue").await.len(), 0);
    for bad in ["outcome=maybe", "from=yesterday", "cursor=x", "who=me"] {
        assert_eq!(call_as(&app, &admin, &format!("GET /v1/audit?{bad}"), "").await.status, 422, "{bad}");
    }
    assert_eq!(call_as(&app, &admin, "GET /v1/audit/chain?after=-1", "").await.status, 422);
    app.close().await;
}
