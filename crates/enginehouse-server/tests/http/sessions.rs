//! What the process of an engine proves itself with, and what the command of an attempt may do.

use enginehouse_core::access::event_token::EventToken;
use enginehouse_core::access::secret::SecretHash;
use enginehouse_core::access::session::SessionToken;
use http::HeaderValue;
use serde_json::json;

use crate::app::{Answer, TestApp, field, request};
use crate::permissions::{call_as, token};

const ENGINE: &str = r#"{"engine_type":"t"}"#;

/// Makes a call with a token, in a session.
pub(crate) async fn call_in(app: &TestApp, token: &str, session: &str, line: &str, body: &str) -> Answer {
    let mut request = request(line, "application/json", body);
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    request.headers_mut().insert("enginehouse-session", HeaderValue::from_str(session).unwrap());
    app.send(request).await
}

/// Registers an engine, and answers its session.
pub(crate) async fn register(app: &TestApp, token: &str, engine_id: &str) -> String {
    field(&call_as(app, token, &format!("PUT /v1/engines/{engine_id}"), ENGINE).await, "/session_token")
}

#[track_caller]
fn check_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, field(answer, "/code").as_str()), (status, code), "{}", answer.body);
}

#[tokio::test]
async fn with_access_tokens_an_engine_works_in_its_own_session_alone() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let fleet = token(&app, r#"{"name":"fleet","role":"engine"}"#).await;
    let (own, other) = (register(&app, &fleet, "e").await, register(&app, &fleet, "other").await);
    call_as(&app, &admin, "POST /v1/events", r#"{"event_type":"a"}"#).await;
    let claimed = call_in(&app, &fleet, &own, "POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    let (event, lock) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    let settle = format!(r#"{{"lock_token":"{lock}"}}"#);
    let failed = format!(r#"{{"lock_token":"{lock}","error":{{"message":"x"}}}}"#);
    let extended = format!(r#"{{"lock_token":"{lock}","visibility_timeout_seconds":9}}"#);
    let calls = [
        ("POST /v1/engines/e/heartbeat".to_owned(), r#"{"epoch":1,"lock_tokens":[]}"#.to_owned()),
        ("POST /v1/engines/e/claim".to_owned(), r#"{"epoch":1}"#.to_owned()),
        ("POST /v1/engines/e/exchange".to_owned(), r#"{"epoch":1,"claim":{}}"#.to_owned()),
        (format!("POST /v1/events/{event}/complete"), settle.clone()),
        (format!("POST /v1/events/{event}/fail"), failed),
        (format!("POST /v1/events/{event}/release"), settle.clone()),
        (format!("POST /v1/events/{event}/extend"), extended),
    ];
    for (line, body) in &calls {
        // An admin may do everything, and still is not the process of the engine.
        for bearer in [&fleet, &admin] {
            check_problem(&call_as(&app, bearer, line, body).await, 403, "wrong_session");
            check_problem(&call_in(&app, bearer, &other, line, body).await, 403, "wrong_session");
            check_problem(&call_in(&app, bearer, "ehs1_secret", line, body).await, 403, "wrong_session");
        }
    }
    let batch = format!(r#"{{"settlements":[{{"event_id":"{event}","lock_token":"{lock}","outcome":"complete"}}]}}"#);
    let refused = call_in(&app, &fleet, &other, "POST /v1/events/settle", &batch).await;
    assert_eq!(field(&refused, "/results/0/error/code"), "wrong_session", "{}", refused.body);
    for line in ["POST /v1/engines/e/drain", "DELETE /v1/engines/e?epoch=1"] {
        check_problem(&call_as(&app, &fleet, line, "").await, 403, "wrong_session");
    }
    assert_eq!(call_as(&app, &admin, "POST /v1/engines/e/drain", "").await.status, 200, "an operator has none");
    assert_eq!(call_in(&app, &fleet, &own, "POST /v1/engines/e/heartbeat", &calls[0].1).await.status, 200);
    assert_eq!(call_in(&app, &fleet, &own, &calls[3].0, &settle).await.status, 200);
    assert_eq!(call_in(&app, &fleet, &own, "DELETE /v1/engines/e?epoch=1", "").await.status, 200);
    // The session is in the answer to the registration, and nowhere else.
    for line in ["GET /v1/engines", "GET /v1/engines/e", "GET /v1/engines/other"] {
        let answer = call_as(&app, &admin, line, "").await;
        assert!(answer.status == 200 && !answer.body.contains("ehs1_") && !answer.body.contains("session"), "{line}");
    }
    app.close().await;
}

#[tokio::test]
async fn the_id_of_an_engine_that_lives_is_not_given_away() {
    let mut app = TestApp::new();
    let first = token(&app, r#"{"name":"one","role":"engine"}"#).await;
    let second = token(&app, r#"{"name":"two","role":"engine"}"#).await;
    let takeover = r#"{"engine_type":"t","takeover":true}"#;
    let session = register(&app, &first, "e").await;
    register(&app, &first, "f").await;
    for (engine_id, bearer, body) in [("e", &first, ENGINE), ("f", &second, takeover)] {
        let refused = call_as(&app, bearer, &format!("PUT /v1/engines/{engine_id}"), body).await;
        check_problem(&refused, 409, "engine_alive");
        let until = "counts as alive until 2026-01-01T00:00:30.000Z";
        let detail = format!("engine {engine_id} is registered by another process, and {until}");
        assert_eq!(field(&refused, "/detail"), detail);
    }
    let again = call_in(&app, &first, &session, "PUT /v1/engines/e", ENGINE).await;
    assert_eq!((again.status, again.json()["epoch"].clone()), (200, json!(2)), "{}", again.body);
    app.pass(30).await;
    let lost = call_as(&app, &second, "PUT /v1/engines/f", ENGINE).await;
    assert_eq!((lost.status, lost.json()["epoch"].clone()), (200, json!(2)), "{}", lost.body);
    app.close().await;
}

#[tokio::test]
async fn an_engine_says_no_more_of_itself_than_its_token_is_for() {
    let app = TestApp::new();
    let fleet = token(&app, r#"{"name":"fleet","role":"engine","selectors":{"capabilities":["gpu","cuda-*"]}}"#).await;
    let capable =
        |names: &str| format!(r#"{{"engine_type":"t","metadata":{{"static_config":{{"capabilities":[{names}]}}}}}}"#);
    for line in ["PUT /v1/engines/e", "POST /v1/engines"] {
        let refused = call_as(&app, &fleet, line, &capable(r#""gpu","tpu""#)).await;
        check_problem(&refused, 403, "forbidden");
        assert_eq!(
            (field(&refused, "/missing"), field(&refused, "/on")),
            ("engines:register".to_owned(), "capability tpu".to_owned())
        );
        let admitted = call_as(&app, &fleet, line, &capable(r#""gpu","cuda-12""#)).await;
        assert_eq!(admitted.status, 201, "{}", admitted.body);
    }
    assert_eq!(call_as(&app, &fleet, "PUT /v1/engines/plain", ENGINE).await.status, 201);
    app.close().await;
}

#[tokio::test]
async fn the_command_of_an_attempt_may_report_on_it_and_settle_it_and_nothing_else() {
    let mut app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let session = register(&app, &admin, "e").await;
    for _ in 0..2 {
        call_as(&app, &admin, "POST /v1/events", r#"{"event_type":"a","payload":{"planted":"secret"}}"#).await;
    }
    let claimed = call_in(&app, &admin, &session, "POST /v1/engines/e/claim", r#"{"epoch":1,"limit":1}"#).await;
    let (event, lock) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    let hash = session.parse::<SessionToken>().unwrap().hash();
    let made = |session: &SecretHash, event: &str, lock: &str| {
        EventToken::made(session, event.parse().unwrap(), lock.parse().unwrap()).to_string()
    };
    let own = made(&hash, &event, &lock);
    let extend = format!(r#"{{"lock_token":"{lock}","visibility_timeout_seconds":600,"progress":{{"percent":5}}}}"#);
    let line = format!("POST /v1/events/{event}/extend");
    let extended = call_as(&app, &own, &line, &extend).await;
    assert_eq!(extended.status, 200, "{}", extended.body);
    // Of another lock, another session, another event, and one that nothing has.
    let other = made(&SessionToken::made([9; 32]).hash(), &event, &lock);
    let stale = made(&hash, &event, &lock.replace("1-", "2-"));
    let unknown = made(&hash, "0193f2a0-0000-7000-8000-000000000000", &lock);
    for forged in [&other, &stale, &unknown, &own[..87].to_owned()] {
        check_problem(&call_as(&app, forged, &line, &extend).await, 401, "unauthenticated");
    }
    for (line, body) in [
        ("POST /v1/engines/e/claim".to_owned(), r#"{"epoch":1}"#),
        ("POST /v1/engines/e/heartbeat".to_owned(), r#"{"epoch":1}"#),
        ("PUT /v1/engines/e".to_owned(), ENGINE),
        ("POST /v1/events".to_owned(), r#"{"event_type":"a"}"#),
        ("POST /v1/events/settle".to_owned(), r#"{"settlements":[]}"#),
        (format!("GET /v1/events/{event}"), ""),
        (format!("POST /v1/events/{event}/cancel"), ""),
        ("GET /v1/events".to_owned(), ""),
        ("GET /v1/tokens".to_owned(), ""),
        ("POST /v1/events/0193f2a0-0000-7000-8000-000000000000/extend".to_owned(), &extend),
    ] {
        check_problem(&call_as(&app, &own, &line, body).await, 403, "forbidden");
    }
    let with_another_lock = extend.replace(&lock, "9-00000000000000000000000000000001");
    check_problem(&call_as(&app, &own, &line, &with_another_lock).await, 403, "forbidden");
    let settle = format!(r#"{{"lock_token":"{lock}","result":7}}"#);
    for _ in 0..2 {
        let done = call_as(&app, &own, &format!("POST /v1/events/{event}/complete"), &settle).await;
        assert_eq!((done.status, field(&done, "/status")), (200, "completed".to_owned()), "a repeat, too");
    }
    // The lock of the other event ends with its engine, and the token with the lock.
    let claimed = call_in(&app, &admin, &session, "POST /v1/engines/e/claim", r#"{"epoch":1,"limit":1}"#).await;
    let (event, lock) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    let (own, line) = (made(&hash, &event, &lock), format!("POST /v1/events/{event}/extend"));
    let extend = format!(r#"{{"lock_token":"{lock}","visibility_timeout_seconds":600}}"#);
    assert_eq!(call_as(&app, &own, &line, &extend).await.status, 200);
    app.pass(30).await;
    check_problem(&call_as(&app, &own, &line, &extend).await, 401, "unauthenticated");
    app.close().await;
}

#[tokio::test]
async fn without_access_tokens_a_session_need_not_be_shown_but_what_is_shown_counts() {
    let mut app = TestApp::new();
    let registered = app.prepare("PUT /v1/engines/e", ENGINE).await;
    let session: SessionToken = field(&registered, "/session_token").parse().unwrap();
    assert_eq!(app.call("POST /v1/engines/e/heartbeat", r#"{"epoch":1}"#).await.status, 200);
    for (shown, status) in [(session, 200), (SessionToken::made([9; 32]), 403)] {
        let mut request = request("POST /v1/engines/e/heartbeat", "application/json", r#"{"epoch":1}"#);
        request.headers_mut().insert("enginehouse-session", HeaderValue::from_str(&shown.to_string()).unwrap());
        assert_eq!(app.send(request).await.status, status);
    }
    assert_eq!(app.prepare("PUT /v1/engines/e", ENGINE).await.json()["epoch"], 2);
    app.close().await;
}
