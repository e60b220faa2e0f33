//! Who may make which call: tokens, roles, and what each answer shows.

use std::time::Duration;

use enginehouse_core::access::role::{Permission, Role};
use enginehouse_core::access::secret::AccessToken;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::quarantine::AutomaticQuarantine;
use http::HeaderValue;
use serde_json::Value;
use strum::VariantArray;

use crate::app::{Answer, TestApp, field, request};
use crate::given_tokens::token_in;
use crate::sessions::{call_in, register};

/// Makes a token with the store itself, as the command line does.
pub(crate) async fn token(app: &TestApp, draft: &str) -> String {
    let token = token_in(app.store(), draft).await;
    app.app.follow_tokens().await;
    token
}

/// Makes a call with a token.
pub(crate) async fn call_as(app: &TestApp, token: &str, line: &str, body: &str) -> Answer {
    let mut request = request(line, "application/json", body);
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    request.headers_mut().insert("authorization", value);
    app.send(request).await
}

fn description() -> Value {
    serde_json::from_str(&enginehouse_server::http::openapi_text()).unwrap()
}

/// Every call of the description: its method and path, with ids that nothing has, and what it needs.
fn calls() -> Vec<(String, Vec<Permission>)> {
    let openapi = description();
    let mut calls = Vec::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path
                .replace("{event_id}", "0193f2a0-0000-7000-8000-000000000000")
                .replace("{operation_id}", "0193f2a0-0000-7000-8000-000000000000")
                .replace("{accessor}", "abcdefghij27")
                .replace('{', "x")
                .replace('}', "");
            let names = operation["x-permission"]["any_of"].as_array().cloned().unwrap_or_default();
            let needs = names.iter().map(|name| name.as_str().unwrap().parse().unwrap()).collect();
            calls.push((format!("{} {path}", method.to_uppercase()), needs));
        }
    }
    calls
}

#[test]
fn every_call_says_what_it_needs_and_two_are_for_everybody() {
    let free: Vec<_> = calls().into_iter().filter(|(_, needs)| needs.is_empty()).map(|(line, _)| line).collect();
    assert_eq!(free, ["GET /healthz", "GET /readyz"]);
    let openapi = description();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security =
                operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path} has no security"));
            assert_eq!(security.is_empty(), operation["x-permission"] == Value::Null, "{method} {path}");
        }
    }
}

/// Each cell of the matrix of calls and roles: a call that the role does not permit is refused before anything else of it is
/// looked at, and one that it permits is not refused for want of a permission.
#[tokio::test]
async fn each_role_may_make_the_calls_that_its_permissions_are_for() {
    let app = TestApp::new();
    let mut tokens = Vec::new();
    for role in Role::VARIANTS {
        tokens.push((*role, token(&app, &format!(r#"{{"name":"{role}","role":"{role}"}}"#)).await));
    }
    let mut cells = 0_u32;
    for (line, needs) in calls() {
        // So many of one address are slowed.
        let without = app.send(request(&line, "application/json", "")).await;
        assert_eq!(matches!(without.status, 401 | 429), !needs.is_empty(), "{line}: {}", without.body);
        for (role, token) in &tokens {
            // What follows is wrong in some other way: there is no body, or nothing has the id.
            let answer = call_as(&app, token, &line, "").await;
            let may = needs.is_empty() || needs.iter().any(|permission| role.may(*permission));
            assert_eq!(answer.status != 403, may, "{line} as {role}: {} {}", answer.status, answer.body);
            if !may {
                assert_eq!(field(&answer, "/missing"), needs[0].name(), "{line}");
            }
            assert_ne!(answer.status, 401, "{line} as {role}");
            cells += 1;
        }
    }
    assert!(cells > 300, "{cells}");
    app.close().await;
}

#[tokio::test]
async fn all_that_opens_nothing_is_answered_with_the_same_words() {
    let mut app = TestApp::new();
    assert_eq!(app.call("GET /v1/stats", "").await.status, 200, "without any token, everybody may");
    let valid = token(&app, r#"{"name":"a","role":"viewer","expires_in_seconds":60}"#).await;
    let late = token(&app, r#"{"name":"b","role":"viewer","not_before":"2027-01-01T00:00:00Z"}"#).await;
    assert_eq!(call_as(&app, &valid, "GET /v1/stats", "").await.status, 200);
    let unknown = AccessToken::made(99_999, [7; 32]).reveal();
    // Another secret for the accessor of a token that there is.
    let accessor = valid.parse::<AccessToken>().unwrap().accessor().clone();
    let wrong = AccessToken::with_accessor(accessor, [9; 32]).reveal();
    let mut answers = vec![app.send(request("GET /v1/stats", "application/json", "")).await];
    for token in ["", "secret", "eh1_a_b_c", &unknown, &wrong, &late, &valid[..66]] {
        answers.push(call_as(&app, token, "GET /v1/stats", "").await);
    }
    for scheme in ["Basic", "bearer eh1_x Bearer", "Token"] {
        let mut request = request("GET /v1/stats", "application/json", "");
        request.headers_mut().insert("authorization", format!("{scheme} {valid}").parse().unwrap());
        answers.push(app.send(request).await);
    }
    let mut twice = request("GET /v1/stats", "application/json", "");
    for _ in 0..2 {
        twice.headers_mut().append("authorization", format!("Bearer {valid}").parse().unwrap());
    }
    answers.push(app.send(twice).await);
    app.pass(61).await;
    answers.push(call_as(&app, &valid, "GET /v1/stats", "").await);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (401, &answers[0].body));
        assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
    assert_eq!(field(&answers[0], "/detail"), "this call needs a token that is valid now");
    for path in ["/healthz", "/readyz", "/docs/", "/openapi.json", "/problems/forbidden"] {
        let page = app.send(request(&format!("GET {path}"), "application/json", "")).await;
        assert!(page.status < 400, "{path}: {}", page.status);
    }
    app.close().await;
}

/// A body that is only announced would take room, and be waited for.
#[tokio::test]
async fn who_may_not_call_is_refused_before_the_body_is_read() {
    let app = TestApp::new();
    let viewer = token(&app, r#"{"name":"a","role":"viewer"}"#).await;
    for (token, status) in [("none", 401), (&viewer, 403)] {
        let body = axum::body::Body::from_stream(futures_util::stream::pending::<Result<&[u8], std::io::Error>>());
        let request = http::Request::post("/v1/events/batch")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(body)
            .unwrap();
        let answer =
            tokio::time::timeout(Duration::from_secs(10), app.send(request)).await.expect("it is not waited for");
        assert_eq!(answer.status, status);
    }
    app.close().await;
}

#[tokio::test]
async fn an_address_that_sends_many_wrong_tokens_is_slowed_and_a_right_one_is_not() {
    let app = TestApp::new();
    let right = token(&app, r#"{"name":"a","role":"viewer"}"#).await;
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(call_as(&app, "wrong", "GET /v1/stats", "").await.status);
    }
    let throttled = statuses.iter().filter(|status| **status == 429).count();
    // On a loaded machine, ten more a second are answered with 401.
    assert!(throttled > 0 && statuses[..20].iter().all(|status| *status == 401), "{statuses:?}");
    assert_eq!(call_as(&app, &right, "GET /v1/stats", "").await.status, 200);
    app.close().await;
}

#[tokio::test]
async fn whoever_may_not_read_payloads_is_shown_none() {
    let mut app = TestApp::new();
    let engine = r#"{"engine_type":"t"}"#;
    app.prepare("PUT /v1/engines/e", engine).await;
    let event = r#"{"event_type":"a","payload":{"planted":"secret"},"retry_policy":{"max_retries":0}}"#;
    let id = field(&app.prepare("POST /v1/events", event).await, "/event_id");
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    let lock = field(&claimed, "/events/0/lock/token");
    let error = r#"{"code":"boom","message":"it broke","details":{"planted":"secret"}}"#;
    app.prepare(&format!("POST /v1/events/{id}/fail"), &format!(r#"{{"lock_token":"{lock}","error":{error}}}"#)).await;
    let done = field(&app.prepare("POST /v1/events", r#"{"event_type":"b"}"#).await, "/event_id");
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    let lock = field(&claimed, "/events/0/lock/token");
    let result = format!(r#"{{"lock_token":"{lock}","result":{{"planted":"secret"}}}}"#);
    app.prepare(&format!("POST /v1/events/{done}/complete"), &result).await;
    let reads = [
        format!("GET /v1/events/{id}"),
        format!("GET /v1/events/{done}"),
        "GET /v1/events".to_owned(),
        format!("GET /v1/events/{id}/history"),
        format!("GET /v1/events/{id}/explain"),
        "GET /v1/dead-letters".to_owned(),
        format!("GET /v1/dead-letters/{id}"),
        "GET /v1/dead-letters/preview".to_owned(),
    ];
    let changes = [format!("POST /v1/dead-letters/{id}/redrive"), format!("POST /v1/events/{id}/cancel")];
    let without = token(&app, r#"{"name":"without","role":"operator"}"#).await;
    let with = token(&app, r#"{"name":"with","role":"operator","read_payloads":true}"#).await;
    let admin = token(&app, r#"{"name":"admin","role":"admin"}"#).await;
    for (line, is_there) in reads.iter().map(|line| (line, !line.ends_with("explain"))) {
        for (token, sees) in [(&without, false), (&with, is_there), (&admin, is_there)] {
            let answer = call_as(&app, token, line, "").await;
            assert_eq!(answer.status, 200, "{line}");
            assert_eq!(answer.body.contains("planted"), sees, "{line}: {}", answer.body);
        }
    }
    for line in &changes {
        let answer = call_as(&app, &without, line, "").await;
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
        assert!(
            !answer.body.contains("planted") && answer.body.contains(r#""payload_hidden":true"#),
            "{}",
            answer.body
        );
    }
    assert_eq!(call_as(&app, &without, &format!("GET /v1/events/{id}/log"), "").await.status, 403);
    app.close().await;
}

#[tokio::test]
async fn tokens_are_made_shown_rotated_and_revoked() {
    let mut app = TestApp::new();
    let first = app.call("POST /v1/tokens", r#"{"name":"a","role":"admin"}"#).await;
    assert_eq!((first.status, first.body.contains("token create")), (403, true), "{}", first.body);
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let made = call_as(&app, &admin, "POST /v1/tokens", r#"{"name":"ci","role":"viewer"}"#).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (text, accessor) = (field(&made, "/token"), field(&made, "/kept/accessor"));
    assert_eq!(made.headers["location"], format!("/v1/tokens/{accessor}"));
    assert_eq!(field(&made, "/kept/expires_at"), "2026-04-01T00:00:00.000Z", "90 days");
    assert_eq!(field(&made, "/kept/created_by"), admin.parse::<AccessToken>().unwrap().accessor().as_str());
    assert_eq!(call_as(&app, &text, "GET /v1/events", "").await.status, 200);
    let taken = call_as(&app, &admin, "POST /v1/tokens", r#"{"name":"ci","role":"viewer"}"#).await;
    assert_eq!(field(&taken, "/errors/0/pointer"), "/name");
    let rotated =
        call_as(&app, &admin, &format!("POST /v1/tokens/{accessor}/rotate"), r#"{"overlap_seconds":60}"#).await;
    let next = field(&rotated, "/token");
    for (token, status) in [(&text, 200), (&next, 200)] {
        assert_eq!(call_as(&app, token, "GET /v1/events", "").await.status, status);
    }
    app.pass(61).await;
    for (token, status) in [(&text, 401), (&next, 200)] {
        assert_eq!(call_as(&app, token, "GET /v1/events", "").await.status, status);
    }
    let list = call_as(&app, &admin, "GET /v1/tokens?limit=1", "").await;
    let cursor = field(&list, "/next_cursor");
    let rest = call_as(&app, &admin, &format!("GET /v1/tokens?cursor={cursor}"), "").await;
    let names: Vec<_> = [&list, &rest].map(|page| field(page, "/items/0/name")).into();
    assert!(names.contains(&"ci".to_owned()) && names.contains(&"root".to_owned()), "{names:?}");
    for answer in [&list, &rest, &call_as(&app, &admin, &format!("GET /v1/tokens/{accessor}"), "").await] {
        let secret = &next[17..60];
        assert!(!answer.body.contains(secret) && !answer.body.contains("sha256"), "{}", answer.body);
    }
    let revoked = call_as(&app, &admin, &format!("DELETE /v1/tokens/{accessor}"), "").await;
    assert_eq!(field(&revoked, "/status"), "revoked");
    assert_eq!(call_as(&app, &next, "GET /v1/events", "").await.status, 401);
    let again = call_as(&app, &admin, &format!("POST /v1/tokens/{accessor}/rotate"), "").await;
    assert_eq!(again.status, 409);
    assert_eq!(call_as(&app, &admin, "DELETE /v1/tokens/abcdefghij27", "").await.status, 404);
    app.close().await;
}

/// Whatever waits for long ends with the token that has asked for it.
#[tokio::test]
async fn a_claim_that_waits_ends_when_its_token_is_revoked() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let engine = token(&app, r#"{"name":"sim","role":"engine"}"#).await;
    let session = register(&app, &engine, "e").await;
    let claim = call_in(&app, &engine, &session, "POST /v1/engines/e/claim", r#"{"epoch":1,"wait_seconds":60}"#);
    let revoke = async {
        while app.app.metrics().waiting_claims() == 0 {
            tokio::task::yield_now().await;
        }
        let accessor = engine.parse::<AccessToken>().unwrap().accessor().clone();
        call_as(&app, &admin, &format!("DELETE /v1/tokens/{accessor}"), "").await
    };
    let (claimed, revoked) =
        tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(claim, revoke) }).await.expect("at once");
    assert_eq!((claimed.status, revoked.status), (401, 200), "{}", claimed.body);
    app.close().await;
}

/// A call that does not say that it keeps to selectors is for tokens without any.
#[tokio::test]
async fn a_token_with_selectors_may_make_those_calls_only_that_keep_to_them() {
    let app = TestApp::new();
    let limited = token(&app, r#"{"name":"a","role":"admin","selectors":{"queues":["a.*"]}}"#).await;
    let openapi = description();
    let mut refused = Vec::new();
    for (line, needs) in calls() {
        let (method, path) = line.split_once(' ').unwrap();
        let templates = openapi["paths"].as_object().unwrap().iter();
        let operation = templates
            .filter(|(template, _)| {
                let (parts, wanted): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
                parts.len() == wanted.len()
                    && parts.iter().zip(&wanted).all(|(part, wanted)| wanted.starts_with('{') || part == wanted)
            })
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(_, item)| &item[method.to_lowercase()])
            .unwrap();
        let keeps = operation["x-permission"]["selectors"] == true;
        let answer = call_as(&app, &limited, &line, "").await;
        // What holds for all queues is refused by its name.
        let is_refused = answer.status == 403 && answer.body.contains("everything: the token has selectors");
        assert_eq!(is_refused, !needs.is_empty() && !keeps, "{line}: {} {}", answer.status, answer.body);
        refused.extend(is_refused.then_some(line));
    }
    // They tell of the server as a whole, and so they do of a run: its events may be of any queue.
    assert_eq!(
        refused,
        [
            "GET /metrics",
            "GET /v1/audit",
            "GET /v1/audit/chain",
            "POST /v1/clock/accept",
            "GET /v1/scenario-runs",
            "GET /v1/scenario-runs/xscenario_run_id",
            "POST /v1/scenario-runs/xscenario_run_id/cancel",
            "POST /v1/scenario-runs/xscenario_run_id/pause",
            "POST /v1/scenario-runs/xscenario_run_id/resume",
            "GET /v1/system",
        ]
    );
    app.close().await;
}

/// Two teams with a queue each: nothing that one of them asks for tells of, or touches, what is the other's.
#[tokio::test]
async fn what_the_selectors_do_not_reach_is_as_if_it_were_not_there() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/b-1", r#"{"engine_type":"t"}"#).await;
    let planted = r#"{"event_type":"t","queue":"b.x","payload":"planted","idempotency_key":"shared"}"#;
    let other = field(&app.prepare("POST /v1/events", planted).await, "/event_id");
    let failed = r#"{"event_type":"t","queue":"b.x","payload":"planted","retry_policy":{"max_retries":0}}"#;
    let dead = field(&app.prepare("POST /v1/events", failed).await, "/event_id");
    let claimed = app.prepare("POST /v1/engines/b-1/claim", r#"{"epoch":1,"limit":2}"#).await;
    let (first, second) = (field(&claimed, "/events/0/lock/token"), field(&claimed, "/events/1/lock/token"));
    let body = format!(r#"{{"lock_token":"{second}","error":{{"message":"no"}}}}"#);
    app.prepare(&format!("POST /v1/events/{dead}/fail"), &body).await;

    let selectors = r#""selectors":{"queues":["a.*"],"engines":["a-*"]}"#;
    let producer = token(&app, &format!(r#"{{"name":"p","role":"producer",{selectors}}}"#)).await;
    let engine = token(&app, &format!(r#"{{"name":"e","role":"engine",{selectors}}}"#)).await;
    let admin = token(&app, &format!(r#"{{"name":"r","role":"admin",{selectors}}}"#)).await;
    let root = token(&app, r#"{"name":"root","role":"admin"}"#).await;

    // Events: each call about one, of another's and of nobody's, in the same words.
    let nobody = "01000000-0000-7000-8000-000000000000";
    let settle = format!(r#"{{"lock_token":"{first}"}}"#);
    let fail = format!(r#"{{"lock_token":"{first}","error":{{"message":"x"}}}}"#);
    let extend = format!(r#"{{"lock_token":"{first}","visibility_timeout_seconds":5}}"#);
    for (line, body) in [
        ("GET /v1/events/ID", ""),
        ("GET /v1/events/ID?wait_seconds=60", ""),
        ("GET /v1/events/ID/history", ""),
        ("POST /v1/events/ID/cancel", ""),
        ("POST /v1/events/ID/cancel", r#"{"force":true}"#),
        ("POST /v1/events/ID/retry", ""),
        ("POST /v1/events/ID/redrive", ""),
        ("PATCH /v1/events/ID", r#"{"priority":1}"#),
        ("POST /v1/events/ID/complete", &settle),
        ("POST /v1/events/ID/fail", &fail),
        ("POST /v1/events/ID/release", &settle),
        ("POST /v1/events/ID/extend", &extend),
        ("GET /v1/dead-letters/ID", ""),
        ("POST /v1/dead-letters/ID/redrive", ""),
        ("DELETE /v1/dead-letters/ID", ""),
    ] {
        let never = call_as(&app, &admin, &line.replace("ID", nobody), body).await;
        for id in [&other, &dead] {
            let answer = call_as(&app, &admin, &line.replace("ID", id), body).await;
            assert_eq!(answer.status, 404, "{line}: {}", answer.body);
            assert!(!answer.body.contains("planted"), "{line}");
            let shape = |answer: &Answer| answer.json()["code"].clone();
            assert_eq!(shape(&answer), shape(&never), "{line}");
        }
    }
    let settled =
        format!(r#"{{"settlements":[{{"event_id":"{other}","lock_token":"{first}","outcome":"complete"}}]}}"#);
    let settled = call_as(&app, &admin, "POST /v1/events/settle", &settled).await;
    assert_eq!(field(&settled, "/results/0/error/code"), "not_found", "{}", settled.body);

    // Engines.
    for (line, body, status) in [
        ("PUT /v1/engines/b-1", r#"{"engine_type":"t"}"#, 403),
        ("PUT /v1/engines/a%2d1", r#"{"engine_type":"t"}"#, 403),
        ("POST /v1/engines", r#"{"engine_type":"b"}"#, 403),
        ("POST /v1/engines/b-1/claim", r#"{"epoch":1}"#, 404),
        ("POST /v1/engines/b-1/heartbeat", r#"{"epoch":1,"lock_tokens":[]}"#, 404),
        ("POST /v1/engines/b-1/exchange", r#"{"epoch":1}"#, 404),
        ("DELETE /v1/engines/b-1", "", 404),
    ] {
        let answer = call_as(&app, &engine, line, body).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
    }
    let session = register(&app, &engine, "a-1").await;

    // Producers: where they may not enqueue, and whose a key is.
    let refused = call_as(&app, &producer, "POST /v1/events", r#"{"event_type":"t","queue":"b.x"}"#).await;
    assert_eq!((refused.status, field(&refused, "/on")), (403, "queue b.x".to_owned()));
    let key = r#"{"event_type":"t","queue":"a.x","idempotency_key":"shared"}"#;
    let taken = call_as(&app, &producer, "POST /v1/events", key).await;
    assert!(taken.status == 409 && !taken.body.contains(&other), "{}", taken.body);
    let mixed = r#"{"atomic":false,"events":[{"event_type":"t","queue":"b.x"},{"event_type":"t","queue":"a.x"},
        {"event_type":"t","queue":"a.x","idempotency_key":"shared"}]}"#;
    let mixed = call_as(&app, &producer, "POST /v1/events/batch", mixed).await;
    assert_eq!(field(&mixed, "/events/0/error/code"), "forbidden", "{}", mixed.body);
    assert!(!mixed.body.contains(&other), "{}", mixed.body);
    let own = field(&mixed, "/events/1/event_id");
    let atomic = r#"{"events":[{"event_type":"t","queue":"a.x"},{"event_type":"t","queue":"b.x"}]}"#;
    assert_eq!(call_as(&app, &producer, "POST /v1/events/batch", atomic).await.status, 403);
    let mut lines = request(
        "POST /v1/events/batch",
        "application/x-ndjson",
        "{\"event_type\":\"t\",\"queue\":\"b.x\"}\n{\"event_type\":\"t\",\"queue\":\"a.x\"}\n",
    );
    lines.headers_mut().insert("authorization", format!("Bearer {producer}").parse().unwrap());
    let lines = app.send(lines).await;
    assert_eq!(
        (lines.json()["enqueued"].as_u64(), lines.json()["rejected"].as_u64()),
        (Some(1), Some(1)),
        "{}",
        lines.body
    );
    let moved = call_as(&app, &producer, &format!("PATCH /v1/events/{own}"), r#"{"queue":"b.x"}"#).await;
    assert_eq!((moved.status, field(&moved, "/missing")), (403, "events:control".to_owned()));

    // An engine is given what its token reaches, whatever it is capable of.
    let first = r#"{"event_type":"t","queue":"b.x","priority":0}"#;
    assert_eq!(call_as(&app, &root, "POST /v1/events", first).await.status, 201);
    let claim = call_in(&app, &engine, &session, "POST /v1/engines/a-1/claim", r#"{"epoch":1,"limit":10}"#).await;
    let queues: Vec<_> =
        claim.json()["events"].as_array().unwrap().iter().map(|event| event["queue"].clone()).collect();
    assert!(!queues.is_empty() && queues.iter().all(|queue| queue == "a.x"), "{}", claim.body);
    let held = &claim.json()["events"][0];
    let done = format!(r#"{{"lock_token":{}}}"#, held["lock"]["token"]);
    let path = format!("POST /v1/events/{}/complete", held["event_id"].as_str().unwrap());
    assert_eq!(call_in(&app, &engine, &session, &path, &done).await.status, 200);

    // Nobody gives away more than they have, and sees no token that reaches further.
    for (draft, status) in [
        (r#"{"name":"x","role":"viewer"}"#, 403),
        (r#"{"name":"x","role":"viewer","selectors":{"queues":["a.*"],"engines":["*"]}}"#, 422),
        (r#"{"name":"x","role":"viewer","selectors":{"queues":["b.*"],"engines":["a-1"]}}"#, 403),
        (r#"{"name":"x","role":"viewer","selectors":{"queues":["a.x"],"engines":["a-1"]}}"#, 201),
    ] {
        assert_eq!(call_as(&app, &admin, "POST /v1/tokens", draft).await.status, status, "{draft}");
    }
    let list = call_as(&app, &admin, "GET /v1/tokens", "").await;
    assert!(!list.body.contains("\"root\"") && list.body.contains("\"x\""), "{}", list.body);
    app.close().await;
}

#[tokio::test]
async fn the_history_of_an_event_says_by_which_token_somebody_acted() {
    let mut app = TestApp::new();
    let id = field(&app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await, "/event_id");
    let operator = token(&app, r#"{"name":"op","role":"operator"}"#).await;
    call_as(&app, &operator, &format!("PATCH /v1/events/{id}"), r#"{"priority":1}"#).await;
    let bulk = r#"{"filter":{"event_type":"a"}}"#;
    assert_eq!(call_as(&app, &operator, "POST /v1/events/cancel", bulk).await.status, 200);
    let history = call_as(&app, &operator, &format!("GET /v1/events/{id}/history"), "").await;
    let accessor = operator.parse::<AccessToken>().unwrap().accessor().to_string();
    for by in ["/actions/0/by", "/actions/1/by"] {
        assert_eq!(field(&history, by), accessor, "{}", history.body);
    }
    app.close().await;
}

/// A text field of an answer that may have no body.
fn text(answer: &Answer, name: &str) -> Option<String> {
    let json: Value = serde_json::from_str(&answer.body).ok()?;
    json[name].as_str().map(str::to_owned)
}

/// What is set for an event type holds in every queue: whoever may act on some queues only does not set it.
#[tokio::test]
async fn settings_are_changed_by_whoever_may_act_on_all_that_they_hold_for() {
    let app = TestApp::new();
    let queues = token(&app, r#"{"name":"q","role":"admin","selectors":{"queues":["a.*"]}}"#).await;
    let types = token(&app, r#"{"name":"t","role":"operator","selectors":{"event_types":["a-*"]}}"#).await;
    for (token, line, refused) in [
        (&queues, "POST /v1/queues/a.x/pause", None),
        (&queues, "DELETE /v1/queues/a.x", None),
        (&queues, "POST /v1/queues/b.x/pause", Some(("settings:pause", "queue b.x"))),
        (&queues, "DELETE /v1/queues/b.x", Some(("settings:write", "queue b.x"))),
        (&queues, "POST /v1/event-types/t/pause", Some(("settings:pause", "event type t in all queues"))),
        (&types, "POST /v1/event-types/a-t/pause", None),
        (&types, "POST /v1/event-types/a-t/resume", None),
        (&types, "POST /v1/event-types/b-t/pause", Some(("settings:pause", "event type b-t"))),
        (&types, "POST /v1/queues/a.x/resume", Some(("settings:pause", "queue a.x for all event types"))),
    ] {
        let answer = call_as(&app, token, line, "").await;
        let (missing, on) = (text(&answer, "missing"), text(&answer, "on"));
        assert_eq!(missing.as_deref().zip(on.as_deref()), refused, "{line}: {} {}", answer.status, answer.body);
        assert_eq!(answer.status == 403, refused.is_some(), "{line}: {}", answer.body);
    }
    app.close().await;
}

/// An engine is quarantined for event types, and whoever may see some of them is told of those.
#[tokio::test]
async fn an_engine_is_shown_with_the_quarantines_of_event_types_that_are_reached() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    let operator = token(&app, r#"{"name":"o","role":"operator","selectors":{"event_types":["a-*"]}}"#).await;
    let root = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let quarantine = |types: &str| format!(r#"{{"reason":"slow","event_types":[{types}]}}"#);
    for (types, want) in [(r#""a-x","hidden""#, serde_json::json!(["a-x"])), (r#""hidden""#, Value::Null)] {
        call_as(&app, &root, "POST /v1/engines/e/quarantine", &quarantine(types)).await;
        for line in ["GET /v1/engines", "GET /v1/engines/e", "POST /v1/engines/e/resume"] {
            let answer = call_as(&app, &operator, line, "").await;
            let engine = if line.ends_with("engines") { &answer.json()["items"][0] } else { &answer.json() };
            assert_eq!(engine["quarantine"]["event_types"], want, "{line}: {}", answer.body);
            assert!(!answer.body.contains("hidden"), "{line}: {}", answer.body);
        }
    }
    // What a server found out by itself, too.
    let mut tx = app.store().begin().await.unwrap();
    let engine = tx.engines_by_id(&["e".parse().unwrap()]).await.unwrap().remove(0);
    let now = engine.last_heartbeat_at;
    let of = |event_type: &str| AutomaticQuarantine {
        event_type: event_type.parse().unwrap(),
        reason: "it fails".to_owned(),
        since: now,
        until: now + Duration::from_secs(60),
        times: 1,
        over_at: None,
    };
    let suspect = RegisteredEngine { automatic_quarantines: vec![of("hidden"), of("a-x")], ..engine };
    tx.write_engines(&[suspect]).await.unwrap();
    tx.commit().await.unwrap();
    for line in ["GET /v1/engines", "GET /v1/engines/e"] {
        let answer = call_as(&app, &operator, line, "").await;
        assert!(answer.body.contains("a-x") && !answer.body.contains("hidden"), "{line}: {}", answer.body);
    }
    app.close().await;
}

/// What a user interface asks first: it offers what its visitor may do, and the server decides all the same.
#[tokio::test]
async fn everybody_is_shown_who_they_are_and_what_they_may_do() {
    let app = TestApp::new();
    let open: Value = serde_json::from_str(&app.send(request("GET /v1/whoami", "", "")).await.body).unwrap();
    assert!(open["role"].is_null() && open["accessor"].is_null(), "{open}");
    assert_eq!(open["permissions"].as_array().unwrap().len(), Permission::VARIANTS.len());
    for (draft, permissions, queues) in [
        (r#"{"name":"m","role":"metrics"}"#, vec!["stats:read"], Value::Null),
        (
            r#"{"name":"v","role":"viewer","selectors":{"queues":["render*"]}}"#,
            vec!["stats:read", "events:read", "engines:read", "settings:read"],
            serde_json::json!(["render*"]),
        ),
        (r#"{"name":"e","role":"engine"}"#, vec!["engines:register", "engines:work"], Value::Null),
    ] {
        let token = token(&app, draft).await;
        let answer = call_as(&app, &token, "GET /v1/whoami", "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let who: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(who["permissions"], serde_json::json!(permissions), "{draft}");
        assert_eq!(who["selectors"]["queues"], queues, "{draft}");
        assert!(token.contains(who["accessor"].as_str().unwrap()), "{who}");
        assert!(!answer.body.contains(&token), "its secret is no part of it");
    }
    assert_eq!(call_as(&app, "eh1_nobody", "GET /v1/whoami", "").await.status, 401);
    app.close().await;
}
