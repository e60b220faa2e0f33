//! The description of the API is one that tools take, and whose examples work.

use http::Request;
use serde_json::{Value, json};

use crate::app::{TestApp, field, request};
use crate::described::{faults, named};
use crate::permissions::{call_as, token};
use crate::request_fields::Description;

/// What is not in every answer of its kind. Whatever else is answered is always there, be it null, and so required.
const MAY_BE_ABSENT: &[&str] = &[
    "BulkOperation: last_conflicts",
    "Problem: applied, errors, event_id, event_status, missing, on, quota, request_id, retry_after_seconds",
    "Engine: locks, session_token, warnings",
    "MinutePoint: processing, waiting",
    "EventPage: searched_until",
    "DeadLetterPage: searched_until",
    "ExchangeResponse: claim, heartbeat",
    "HeartbeatResponse: errors",
    "BatchedEvent: error",
    "SettlementResult: error",
    "ScenarioRun: engines, estimated_end_at, pause_reason, paused_at",
    "Warning: event_id",
    "Event: payload_hidden, progress, usage",
    "DeadLetter: payload_hidden",
    "EnqueueResponse: event",
    "ClaimedEvent: payload_hidden, previous, progress, usage",
    "EventLock: progress_due_at, times_out_at",
    "ChangeView: capabilities, engine_id, engine_version, event_id, event_type, queue, scenario_run_id, to",
    "ClaimedLock: progress_due_at, times_out_at",
    "EventTypeDurations: processing, waiting",
    "EventTypeSettings: durations, hold_back_after_seconds, max_processing_seconds, pause_reason, paused_at, priority_aging_seconds, progress_timeout_seconds, quarantine, retry_policy, visibility_timeout_seconds, when_blocked",
    "QueueSettings: hold_back_after_seconds, max_processing_seconds, pause_reason, paused_at, priority_aging_seconds, progress_timeout_seconds, quarantine, retry_policy, visibility_timeout_seconds, when_blocked",
    "VersionDurations: processing, waiting",
];

/// Every schema in the description, each with where it is.
fn schemas<'a>(at: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            found.push((at.to_owned(), value));
            for (name, field) in fields.iter().filter(|(name, _)| !name.starts_with("example")) {
                schemas(&format!("{at}/{name}"), field, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                schemas(&format!("{at}/{index}"), item, found);
            }
        }
        _ => {}
    }
}

#[test]
fn no_schema_is_one_that_tools_trip_over() {
    let description = Description::new();
    let mut found = Vec::new();
    schemas("", &description.0, &mut found);
    let is_null = |schema: &Value| schema["type"] == "null";
    for (at, schema) in found {
        // Makers of clients drop an enum of several types, and all that refers to it.
        let words = schema["enum"].as_array().into_iter().flatten();
        let kinds: std::collections::HashSet<_> = words.map(std::mem::discriminant).collect();
        assert!(kinds.len() <= 1, "{at} has words of several types: {schema}");
        // Null is valid under both, so a choice of one is invalid.
        let choices = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(!choices.iter().any(is_null), "{at} is one of something and null: {schema}");
        // Null beside what has no name could be said by its type.
        for choice in schema["anyOf"].as_array().into_iter().flatten().filter(|choice| !is_null(choice)) {
            let (resolved, _) = description.resolved(choice);
            let is_named = resolved["type"] == "object" || resolved["enum"].is_array() || resolved["oneOf"].is_array();
            assert!(is_named, "{at} is any of null and what can say so itself: {schema}");
            assert!(!faults(choice, &Value::Null).is_empty(), "{at} is null in two ways: {schema}");
        }
        // Each of several closed objects refuses the fields of the others.
        assert!(schema.get("allOf").is_none(), "{at} is put together of several: {schema}");
    }
}

/// What has a length is one line or has a form of its own: more than the length decides what is taken.
#[test]
fn text_of_a_length_has_a_pattern_or_format() {
    let description = Description::new();
    let mut found = Vec::new();
    schemas("", &description.0, &mut found);
    let bounded: Vec<_> = found.into_iter().filter(|(_, schema)| schema["maxLength"].is_u64()).collect();
    assert!(bounded.len() >= 20, "few texts have a length: {bounded:?}");
    for (at, schema) in bounded {
        assert!(
            schema["pattern"].is_string() || schema["format"].is_string(),
            "{at} does not say what may be in it: {schema}"
        );
    }
}

#[test]
fn what_is_always_answered_is_required() {
    let description = Description::new();
    let schemas = description.0["components"]["schemas"].as_object().unwrap();
    let mut absent = Vec::new();
    for (name, schema) in schemas {
        let is_read =
            ["Request", "Part"].iter().any(|end| name.ends_with(end)) || schema["additionalProperties"] != Value::Null;
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let fields = schema["properties"].as_object().into_iter().flatten().map(|(field, _)| field.as_str());
        let missing: Vec<_> = fields.filter(|field| !required.contains(&json!(field))).collect();
        if !is_read && !missing.is_empty() {
            absent.push(format!("{name}: {}", missing.join(", ")));
        }
    }
    let mut known: Vec<_> = MAY_BE_ABSENT.iter().map(ToString::to_string).collect();
    known.sort();
    absent.sort();
    assert_eq!(absent, known);
}

#[test]
fn a_claimed_event_has_its_lock_and_the_lock_its_token() {
    let Description(openapi) = Description::new();
    let schemas = &openapi["components"]["schemas"];
    assert_eq!(schemas["ClaimResponse"]["properties"]["events"]["items"], named("ClaimedEvent"));
    assert_eq!(schemas["ClaimedEvent"]["properties"]["lock"]["$ref"], named("ClaimedLock")["$ref"]);
    assert!(schemas["ClaimedEvent"]["required"].as_array().unwrap().contains(&json!("lock")));
    assert!(schemas["ClaimedLock"]["required"].as_array().unwrap().contains(&json!("token")));
    assert!(schemas["EventLock"]["properties"]["token"].is_null(), "nobody else is shown it");
    let pages: Vec<_> = schemas.as_object().unwrap().keys().filter(|name| name.contains("Page")).collect();
    assert_eq!(
        pages,
        [
            "AuditItemPage",
            "BlockedLanePage",
            "BulkOperationPage",
            "DeadLetterPage",
            "EngineLoadPage",
            "EnginePage",
            "EventPage",
            "EventTypeSettingsPage",
            "LaneStatsPage",
            "QueueSettingsPage",
            "ScenarioRunPage",
            "TokenViewPage",
            "UnchangedItemPage"
        ]
    );
    assert_eq!(schemas["EventPage"]["properties"]["items"]["items"], named("Event"));
}

#[test]
fn every_call_says_where_it_is_and_how_it_is_refused() {
    let Description(openapi) = Description::new();
    assert_eq!(openapi["servers"][0]["url"], "/");
    assert_eq!(openapi["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (path, calls) in openapi["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            let responses = call["responses"].as_object().unwrap();
            for status in ["400", "408", "431"] {
                assert!(responses.contains_key(status), "{method} {path} {status}");
            }
            assert!(responses.contains_key("429") || !path.starts_with("/v1/"), "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let schema = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(*schema, named("Problem"), "{method} {path} {status}");
            }
        }
    }
}

/// A story for examples: an engine, and an event that it holds.
struct Story {
    app: TestApp,
}

impl Story {
    async fn begin() -> Self {
        let mut app = TestApp::new();
        let engine = r#"{"engine_type":"renderer","metadata":{"static_config":{"capabilities":["gpu"]}}}"#;
        app.prepare("PUT /v1/engines/renderer-1", engine).await;
        Self { app }
    }

    /// A new event that nobody has claimed.
    async fn queued(&mut self) -> String {
        field(&self.app.prepare("POST /v1/events", r#"{"event_type":"frame.render"}"#).await, "/event_id")
    }

    /// A new event, and the token of its lock.
    async fn claimed(&mut self) -> (String, String) {
        let event = self.app.prepare("POST /v1/events", r#"{"event_type":"frame.render","priority":0}"#).await;
        let claimed = self.app.prepare("POST /v1/engines/renderer-1/claim", r#"{"epoch":1,"limit":1}"#).await;
        let event_id = field(&event, "/event_id");
        assert_eq!(field(&claimed, "/events/0/event_id"), event_id);
        (event_id, field(&claimed, "/events/0/lock/token"))
    }

    /// A new dead letter.
    async fn dead(&mut self) -> (String, String) {
        let (event_id, token) = self.claimed().await;
        let failure = json!({"lock_token": token, "error": {"message": "no"}, "retryable": false, "dead_letter": true});
        self.app.prepare(&format!("POST /v1/events/{event_id}/fail"), &failure.to_string()).await;
        (event_id, token)
    }
}

/// Each example, as it stands but for ids and tokens that nobody can know before.
#[tokio::test]
async fn every_example_of_a_request_is_valid_and_works() {
    let description = Description::new();
    let mut tried = 0;
    for (method, template, call) in description.calls() {
        let Some(content) = call.pointer("/requestBody/content/application~1json") else { continue };
        let operation = call["operationId"].as_str().unwrap();
        let example = content.get("example").unwrap_or_else(|| panic!("{operation} has no example"));
        assert_eq!(faults(&content["schema"], example), [""; 0], "{operation}");
        // A story of its own, for some are of events that would be claimed by others.
        let mut story = Story::begin().await;
        let (event_id, lock_token) = match template.contains("dead-letters") || operation == "redrive_event" {
            true => story.dead().await,
            false if operation == "cancel_event" || call["tags"][0] == "settling" || operation == "exchange" => {
                story.claimed().await
            }
            false if operation == "change_event" => (story.queued().await, String::new()),
            false if matches!(operation, "pause_scenario_run" | "cancel_scenario_run") => {
                let event = r#"{"event_type":"frame.render","scenario_run_id":"night"}"#;
                story.app.prepare("POST /v1/events", event).await;
                (String::new(), String::new())
            }
            false => (String::new(), String::new()),
        };
        let body = example.to_string();
        let body = body.replace("0193f2a0-7c4e-7000-8000-000000000000", &event_id);
        let body = body.replace("1-0123456789abcdef0123456789abcdef", &lock_token);
        let path = template.replace("{event_id}", &event_id).replace("{engine_id}", "renderer-1");
        let path = path.replace("{scenario_run_id}", "night");
        let path = path.replace("{event_type}", "frame.render").replace("{queue}", "default");
        let answer = if call["tags"][0] == "tokens" {
            // Without any token there is nobody who could make one.
            let admin = token(&story.app, r#"{"name":"root","role":"admin"}"#).await;
            let own = admin.split('_').nth(1).unwrap();
            call_as(&story.app, &admin, &format!("{method} {}", path.replace("{accessor}", own)), &body).await
        } else {
            story.app.call(&format!("{method} {path}"), &body).await
        };
        assert!(answer.status < 300, "{operation}: {} {}", answer.status, answer.body);
        assert!(!answer.body.contains("\"error\":{\"type\""), "{operation}: {}", answer.body);
        story.app.close().await;
        tried += 1;
    }
    assert_eq!(tried, 33, "calls with a body");
}

#[tokio::test]
async fn the_example_of_lines_works() {
    let Description(openapi) = Description::new();
    let content = &openapi["paths"]["/v1/events/batch"]["post"]["requestBody"]["content"]["application/x-ndjson"];
    let app = TestApp::new();
    let lines = content["example"].as_str().unwrap();
    let answer = app.send(request("POST /v1/events/batch", "application/x-ndjson", lines)).await;
    assert_eq!((answer.status, answer.body.contains(r#""enqueued":2"#)), (200, true), "{}", answer.body);
    app.close().await;
}

/// Once for all tests: an answer that is not described does not pass.
#[tokio::test]
async fn an_answer_that_is_not_described_does_not_pass() {
    let app = TestApp::new();
    let request = Request::get("/v1/stats").body(axum::body::Body::empty()).unwrap();
    let answer = app.send(request).await;
    let mut stats: Value = serde_json::from_str(&answer.body).unwrap();
    let check = |status: u16, body: &Value| {
        let body = body.to_string();
        let headers = answer.headers.clone();
        std::panic::catch_unwind(move || {
            crate::described::check(&http::Method::GET, "/v1/stats?x", status, &headers, &body);
        })
        .is_ok()
    };
    assert!(check(200, &stats));
    assert!(!check(418, &stats), "a status that the call does not have");
    stats["surprise"] = json!(1);
    assert!(!check(200, &stats), "a field that is not described");
    stats.as_object_mut().unwrap().remove("surprise");
    stats["now"] = json!("yesterday");
    assert!(!check(200, &stats), "a field of another form");
    app.close().await;
}

/// What is of 3.1 alone: in a description of 3.0 it is a mistake, or means something else.
#[test]
fn the_description_for_older_tools_has_only_what_they_know() {
    let older: Value = serde_json::from_str(&enginehouse_server::http::openapi_3_0_text()).unwrap();
    assert_eq!(older["openapi"], "3.0.3");
    assert!(older["info"]["license"]["identifier"].is_null());
    let Description(current) = Description::new();
    let calls = |openapi: &Value| openapi["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(calls(&older), calls(&current));
    let mut found = Vec::new();
    schemas("", &older["components"]["schemas"], &mut found);
    schemas("", &older["paths"], &mut found);
    for (at, schema) in found {
        assert!(!schema["type"].is_array(), "{at} is of several types: {schema}");
        assert!(schema["type"] != "null", "{at} is null: {schema}");
        let has_siblings = schema.get("$ref").is_some() && schema.as_object().unwrap().len() > 1;
        assert!(!has_siblings, "{at} refers, and says more: {schema}");
        assert!(
            schema["nullable"] != true || schema["type"].is_string(),
            "{at} may be null, and has no type: {schema}"
        );
        for keyword in ["const", "propertyNames", "examples"] {
            assert!(schema.get(keyword).is_none() || at.ends_with("properties"), "{at} has {keyword}: {schema}");
        }
        for bound in ["exclusiveMinimum", "exclusiveMaximum"] {
            assert!(schema.get(bound).is_none_or(Value::is_boolean), "{at} has {bound}: {schema}");
        }
    }
    let field = |at: &str| {
        &older["components"]["schemas"][at.split('.').next().unwrap()]["properties"][at.split('.').nth(1).unwrap()]
    };
    assert_eq!(field("Event.lock")["allOf"][0]["$ref"], "#/components/schemas/EventLock");
    assert_eq!((&field("Event.lock")["nullable"], &field("Event.lock")["type"]), (&json!(true), &json!("object")));
    assert_eq!(
        (&field("Event.dead_letter")["nullable"], &field("Event.dead_letter")["type"]),
        (&json!(true), &json!("string"))
    );
    assert_eq!(field("Event.finished_at")["format"], "date-time");
    assert_eq!(field("Event.finished_at")["example"], "2026-11-23T10:00:00.000Z");
    assert_eq!(
        field("Event.result"),
        &json!({ "allOf": [{ "$ref": "#/components/schemas/RawJson" }], "description": "What its completion brought, byte for byte." })
    );
    assert_eq!(
        (&field("EnqueueRequest.priority")["type"], &field("EnqueueRequest.priority")["maximum"]),
        (&json!("integer"), &json!(9))
    );
}
