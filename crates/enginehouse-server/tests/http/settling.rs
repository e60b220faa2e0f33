//! What is wrong is refused by itself: its neighbours in a batch, a heartbeat and a claim go on.

use enginehouse_core::limits::MAX_PAYLOAD_BYTES;
use serde_json::{Value, json};

use crate::app::TestApp;

async fn given(events: usize) -> (TestApp, Vec<Value>) {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/sim-1", r#"{"engine_type":"simulator","metadata":{}}"#).await;
    let drafts = json!({ "events": vec![json!({"event_type": "a"}); events] });
    app.prepare("POST /v1/events/batch", &drafts.to_string()).await;
    let claimed = app.prepare("POST /v1/engines/sim-1/claim", r#"{"epoch":1,"limit":100}"#).await;
    let claimed: Value = serde_json::from_str(&claimed.body).unwrap();
    let complete = |event: &Value| json!({"event_id": event["event_id"], "lock_token": event["lock"]["token"], "outcome": "complete"});
    (app, claimed["events"].as_array().unwrap().iter().map(complete).collect())
}

/// Five settlements, of which the first and the last are good, and what each is answered with.
fn spoilt(mut settlements: Vec<Value>) -> (Vec<Value>, Value) {
    let id = |settlement: &Value| settlement["event_id"].clone();
    settlements[1]["result"] = json!("x".repeat(MAX_PAYLOAD_BYTES));
    settlements[2]["lock_token"] = json!("1-what");
    settlements[3]["event_id"] = json!("seven");
    let want = json!([
        [id(&settlements[0]), "completed", null, null],
        [id(&settlements[1]), null, "too_large", ["/settlements/1/result"]],
        [id(&settlements[2]), null, "invalid_request", ["/settlements/2/lock_token"]],
        [null, null, "invalid_request", ["/settlements/3/event_id"]],
        [id(&settlements[4]), "completed", null, null],
    ]);
    (settlements, want)
}

fn summary(results: &Value) -> Value {
    let one = |result: &Value| {
        let error = &result["error"];
        let pointers =
            error["errors"].as_array().map(|errors| errors.iter().map(|error| &error["pointer"]).collect::<Vec<_>>());
        json!([result["event_id"], result["status"], error["code"], pointers])
    };
    results.as_array().expect("results").iter().map(one).collect()
}

#[tokio::test]
async fn a_bad_settlement_is_refused_by_itself() {
    let (mut app, settlements) = given(5).await;
    let (settlements, want) = spoilt(settlements);
    let answer = app.prepare("POST /v1/events/settle", &json!({ "settlements": settlements }).to_string()).await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(summary(&answer["results"]), want);
    app.close().await;
}

#[tokio::test]
async fn a_bad_settlement_of_an_exchange_spares_its_heartbeat_and_its_claim() {
    let (mut app, settlements) = given(5).await;
    app.prepare("POST /v1/events", r#"{"event_type":"next"}"#).await;
    let tokens = [settlements[2]["lock_token"].clone()];
    let (settlements, want) = spoilt(settlements);
    let exchange = json!({"epoch": 1, "settlements": settlements, "heartbeat": {"lock_tokens": tokens}, "claim": {}});
    let answer = app.prepare("POST /v1/engines/sim-1/exchange", &exchange.to_string()).await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(summary(&answer["settlements"]), want);
    assert_eq!(answer["heartbeat"]["renewed"], json!(tokens));
    assert_eq!(answer["claim"]["events"][0]["event_type"], "next");
    app.close().await;
}

#[tokio::test]
async fn a_batch_of_bad_settlements_names_a_bounded_number_of_fields() {
    let mut app = TestApp::new();
    let bad = json!({ "settlements": vec![json!({"a": 1, "b": 2, "c": 3}); 1_000] });
    let answer = app.prepare("POST /v1/events/settle", &bad.to_string()).await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let named = |result: &Value| result["error"]["errors"].as_array().unwrap().len();
    let results = answer["results"].as_array().unwrap();
    assert_eq!((results.len(), named(&results[0]), named(&results[999])), (1_000, 6, 1));
    app.close().await;
}

#[tokio::test]
async fn what_is_no_batch_at_all_is_refused_as_a_whole() {
    let mut app = TestApp::new();
    for (body, status) in [
        (r#"{"settlements":[{]}"#, 400),
        (r#"{"settlements":7}"#, 422),
        (r#"{"settlements":[]}"#, 422),
        (r#"{"settlements":[],"more":1}"#, 422),
    ] {
        assert_eq!(app.call("POST /v1/events/settle", body).await.status, status, "{body}");
    }
    app.close().await;
}

/// What a program prints that dies in the middle of a character must not keep its attempt from ending.
#[tokio::test]
async fn a_failure_gets_through_whatever_it_says() {
    let (mut app, settlements) = given(2).await;
    let fail = |settlement: &Value, error: &str| {
        let Value::String(token) = &settlement["lock_token"] else { panic!("a token") };
        let line = format!("POST /v1/events/{}/fail", settlement["event_id"].as_str().unwrap());
        (line, format!(r#"{{"lock_token":"{token}","retryable":false,"error":{error}}}"#))
    };
    let error = r#"{"code":"a\u0000\udc00","message":"it said \ud800 and \u0000","details":{"a":"\ud800"}}"#;
    let (line, body) = fail(&settlements[0], error);
    let answer = app.prepare(&line, &body).await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer["status"], "failed");
    let said = answer["last_error"]["message"].as_str().unwrap();
    assert!(said.starts_with("it said \u{fffd} and "), "{said}");
    assert_eq!(answer["last_error"]["details"], json!({"a": "\u{fffd}"}));
    let details = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let (line, body) = fail(&settlements[1], &format!(r#"{{"message":"deep","details":{details}}}"#));
    let answer = app.prepare(&line, &body).await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer["last_error"]["details"], json!({"details_not_kept": "nested deeper than 64"}));
    app.close().await;
}

/// An engine must not be lost because a sensor reports nonsense.
#[tokio::test]
async fn a_heartbeat_counts_whatever_the_engine_says_of_itself() {
    let (mut app, settlements) = given(1).await;
    let token = settlements[0]["lock_token"].as_str().unwrap().to_owned();
    let states = [
        r#"{"resource_utilization":{"cpu_percent":-1}}"#.to_owned(),
        r#"{"note":"\ud800"}"#.to_owned(),
        format!(r#"{{"note":"{}"}}"#, "x".repeat(70_000)),
        "7".to_owned(),
    ];
    for state in states {
        // Three of these are longer than the engine may be silent.
        app.pass(20).await;
        let heartbeat = format!(r#"{{"dynamic_state":{state},"lock_tokens":["{token}","2-what"]}}"#);
        let whole = heartbeat.replacen('{', r#"{"epoch":1,"#, 1);
        let answer = app.prepare("POST /v1/engines/sim-1/heartbeat", &whole).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&answer["status"], &answer["renewed"]), (&json!("active"), &json!([token])));
        let errors = answer["errors"].as_array().unwrap();
        assert!(errors[0]["pointer"].as_str().unwrap().starts_with("/dynamic_state"), "{answer}");
        assert_eq!(errors[1]["pointer"], "/lock_tokens/1", "{answer}");
        let exchange = format!(r#"{{"epoch":1,"heartbeat":{heartbeat}}}"#);
        let answer = app.prepare("POST /v1/engines/sim-1/exchange", &exchange).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["heartbeat"]["renewed"], json!([token]));
        assert_eq!(answer["heartbeat"]["errors"][1]["pointer"], "/heartbeat/lock_tokens/1", "{answer}");
    }
    app.close().await;
}

#[tokio::test]
async fn a_batch_names_every_key_that_is_taken_or_refuses_each_event_by_itself() {
    let mut app = TestApp::new();
    let taken = json!({"events": [
        {"event_type": "a", "idempotency_key": "k1"}, {"event_type": "a", "idempotency_key": "k2"}]});
    app.prepare("POST /v1/events/batch", &taken.to_string()).await;
    let events = json!([
        {"event_type": "b", "idempotency_key": "new"},
        {"event_type": "b", "idempotency_key": "k1"},
        {"event_type": "b"},
        {"event_type": "a", "idempotency_key": "k2"},
        {"event_type": "b", "idempotency_key": "k2"},
        {"event_type": "c", "idempotency_key": "new"},
    ]);
    let answer = app.call("POST /v1/events/batch", &json!({ "events": events }).to_string()).await;
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let pointers = |errors: &Value| -> Vec<String> {
        errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let all = [1, 4, 5].map(|index| format!("/events/{index}/idempotency_key"));
    assert_eq!((answer.status, pointers(&problem["errors"])), (409, all.to_vec()));

    let mut events = events;
    events.as_array_mut().unwrap().push(json!({"event_type": "b", "priority": 99}));
    let each = json!({ "atomic": false, "events": events });
    let answer = app.prepare("POST /v1/events/batch", &each.to_string()).await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&answer["enqueued"], &answer["duplicates"], &answer["rejected"]), (&json!(2), &json!(1), &json!(4)));
    let results = answer["events"].as_array().unwrap();
    let codes: Vec<_> = results.iter().map(|event| event["error"]["code"].as_str().unwrap_or("-")).collect();
    let conflict = "idempotency_conflict";
    assert_eq!(codes, ["-", conflict, "-", "-", conflict, conflict, "invalid_request"]);
    assert_eq!(pointers(&results[6]["error"]["errors"]), ["/events/6/priority"]);
    assert!(results.iter().all(|event| event["event_id"].is_null() == event["error"].is_object()));
    app.close().await;
}
