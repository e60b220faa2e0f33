//! A settlement that is wrong is refused by itself: its neighbours, a heartbeat and a claim go on.

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
