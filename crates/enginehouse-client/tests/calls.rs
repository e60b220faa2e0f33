//! When a call is repeated, and what comes of it when it has no answer.

#[path = "mock/mod.rs"]
mod mock;

use std::time::Duration;

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::events::EventsQuery;
use enginehouse_api::minutes::{MinuteGrouping, MinutesQuery};
use enginehouse_api::operations::OperationRequest;
use enginehouse_api::page::PageQuery;
use enginehouse_api::problem::Code;
use enginehouse_api::stream::{StreamPartKind, StreamTopic};
use enginehouse_client::{Client, ClientConfig, Error, TopicEvent};
use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::OperationId;
use enginehouse_core::operation::OperationAction;
use mock::{Answer, Mock, ok, problem};
use serde_json::json;

const EVENT_ID: &str = "0193f2a0-0000-7000-8000-000000000000";

fn client(url: &str) -> Client {
    let config = ClientConfig { first_wait: Duration::from_millis(1), max_repeats: 2, ..ClientConfig::default() };
    Client::with_config(url, config).unwrap()
}

fn draft(idempotency_key: Option<&str>) -> EnqueueRequest {
    EnqueueRequest {
        event_type: "a".into(),
        idempotency_key: idempotency_key.map(Into::into),
        ..EnqueueRequest::default()
    }
}

fn enqueued() -> Answer {
    ok(json!({"event_id": EVENT_ID, "event_type": "a", "queue": "default", "status": "queued",
              "available_at": "2026-11-23T10:00:00.000Z", "duplicate": false, "warnings": []}))
}

/// A server that fails once and then answers.
async fn fails_once(mut failure: Option<Answer>) -> Mock {
    Mock::start(move |_| failure.take().unwrap_or_else(enqueued)).await
}

#[tokio::test]
async fn a_query_carries_what_is_asked_for() {
    let mock = Mock::start(|_| ok(json!({"items": [], "next_cursor": "n"}))).await;
    let filter = EventFilter { status: Some("queued".parse().unwrap()), ..EventFilter::default() };
    let query = EventsQuery { filter, page: PageQuery { limit: Some(7), cursor: None }, ..EventsQuery::default() };
    let page = client(&mock.url).events(&query).await.unwrap();
    assert_eq!(page.next_cursor.as_deref(), Some("n"));
    assert_eq!(mock.lines(), ["GET /v1/events?status=queued&limit=7"]);
}

#[tokio::test]
async fn a_problem_is_handed_on_and_not_repeated() {
    let errors = json!({"errors": [{"pointer": "/priority", "detail": "must be between 0 and 9"}]});
    let mock = Mock::start(move |_| problem(422, "invalid_request", errors.clone())).await;
    let error = client(&mock.url).enqueue(&draft(Some("k"))).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::InvalidRequest));
    let Error::Problem(problem) = error else { panic!("not a problem") };
    assert_eq!(problem.errors[0].pointer, "/priority");
    assert_eq!(mock.calls().len(), 1);
}

#[tokio::test]
async fn a_call_that_changed_nothing_is_repeated() {
    for failure in [
        problem(429, "overloaded", json!({"applied": false})),
        problem(503, "store_unavailable", json!({"applied": false})),
    ] {
        let mock = fails_once(Some(failure)).await;
        client(&mock.url).enqueue(&draft(None)).await.unwrap();
        assert_eq!(mock.calls().len(), 2);
    }
}

#[tokio::test]
async fn a_call_that_may_have_changed_something_is_repeated_only_where_that_is_safe() {
    for (key, calls) in [(None, 1), (Some("k"), 2)] {
        let mock = fails_once(Some(problem(503, "store_unavailable", json!({"applied": "unknown"})))).await;
        let answer = client(&mock.url).enqueue(&draft(key)).await;
        assert_eq!((answer.is_ok(), mock.calls().len()), (key.is_some(), calls));
    }
}

#[tokio::test]
async fn a_repeat_waits_as_long_as_the_server_asks() {
    let body = json!({"type": "/problems/overloaded", "title": "", "status": 429, "detail": "", "code": "overloaded"});
    let mock = fails_once(Some(Answer::RetryAfter(429, "1", body))).await;
    let began = tokio::time::Instant::now();
    client(&mock.url).enqueue(&draft(None)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn repeats_come_to_an_end() {
    let mock = Mock::start(|_| problem(503, "shutting_down", json!({"applied": false}))).await;
    let error = client(&mock.url).stats().await.unwrap_err();
    assert_eq!((error.code(), mock.calls().len()), (Some(Code::ShuttingDown), 3));
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_and_certainly_did_nothing() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = client(&format!("http://127.0.0.1:{port}")).stats().await.unwrap_err();
    let Error::Unreachable { reason, maybe_applied, .. } = error else { panic!("{error}") };
    assert!(!maybe_applied && reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_may_have_done_it() {
    let mock = Mock::start(|_| Answer::Nothing).await;
    let config = ClientConfig { timeout: Duration::from_millis(50), ..ClientConfig::default() };
    let error = Client::with_config(&mock.url, config).unwrap().enqueue(&draft(None)).await.unwrap_err();
    let Error::Unreachable { reason, maybe_applied, .. } = error else { panic!("{error}") };
    assert!(maybe_applied && reason == "it took too long", "{reason}");
    assert_eq!(mock.calls().len(), 1);
}

#[tokio::test]
async fn an_answer_of_something_else_is_unexpected() {
    let mock = Mock::start(|_| Answer::Text(404, "<html>nginx")).await;
    let error = client(&mock.url).stats().await.unwrap_err();
    assert_eq!(error.to_string(), "unexpected answer with status 404: <html>nginx");
    let mock = Mock::start(|_| Answer::Text(200, "[]")).await;
    assert!(matches!(client(&mock.url).stats().await, Err(Error::Unexpected { status: 200, .. })));
}

#[tokio::test]
async fn topics_are_followed_part_by_part() {
    let parts = "retry: 2000\n\nevent: engines\nid: 1-2-3\ndata: {\"topic\":\"engines\",\"kind\":\"snapshot\",\
        \"as_of\":\"2026-11-23T10:00:00.000Z\",\"items\":[{\"engine_id\":\"e\"}],\"gone\":[],\"more\":false}\n\n\
        : nothing new\n\nevent: reset\ndata: {\"topics\":[\"engines\"]}\n\nevent: engines\ndata: {\"topic\":";
    let mock = Mock::start(move |_| Answer::Text(200, parts)).await;
    let event = StreamTopic::Event(EVENT_ID.parse().unwrap());
    let mut stream = client(&mock.url).follow(&[StreamTopic::Engines, event]).await.unwrap();
    let Some(TopicEvent::Part(part)) = stream.next().await.unwrap() else { panic!("no part") };
    assert_eq!((part.topic.as_str(), part.kind, part.more), ("engines", StreamPartKind::Snapshot, false));
    assert_eq!(part.items[0].as_str(), r#"{"engine_id":"e"}"#);
    let Some(TopicEvent::Reset(topics)) = stream.next().await.unwrap() else { panic!("no reset") };
    assert_eq!(topics, ["engines"]);
    // What was cut off is nothing.
    assert!(stream.next().await.unwrap().is_none());
    assert_eq!(mock.lines(), [format!("GET /v1/stream?topics=engines%2Cevent%3A{EVENT_ID}")]);
}

#[tokio::test]
async fn a_chart_is_asked_for_as_it_is_wanted() {
    let answer = json!({ "from": "2026-11-23T09:00:00.000Z", "to": "2026-11-23T10:00:00.000Z", "step_seconds": 60, "series": [] });
    let mock = Mock::start(move |_| ok(answer.clone())).await;
    let query = MinutesQuery {
        queue: Some("q".parse().unwrap()),
        step_seconds: Some(60),
        group_by: Some(MinuteGrouping::EventType),
        ..MinutesQuery::default()
    };
    assert!(client(&mock.url).minutes(&query).await.unwrap().series.is_empty());
    assert_eq!(mock.lines(), ["GET /v1/stats/minutes?queue=q&step_seconds=60&group_by=event_type"]);
}

#[tokio::test]
async fn an_operation_is_created_once_and_looked_at_as_often_as_it_takes() {
    let id: OperationId = EVENT_ID.parse().unwrap();
    let request = OperationRequest::new(OperationAction::CancelEvents, "queue:a");
    // What may have been done is not done again; a look is.
    let mock = Mock::start(|_| problem(503, "store_unavailable", json!({"applied": "unknown"}))).await;
    let client = client(&mock.url);
    assert!(client.create_operation(&request).await.is_err());
    assert_eq!(mock.lines(), ["POST /v1/operations"]);
    assert!(client.preview_operation(&request).await.is_err());
    assert!(client.cancel_operation(id).await.is_err());
    assert!(client.operation(id).await.is_err());
    let query = PageQuery { limit: Some(2), cursor: None };
    assert!(client.operations(&query).await.is_err());
    assert!(client.operation_conflicts(id, &query).await.is_err());
    let each = [
        "POST /v1/operations/preview".to_owned(),
        format!("POST /v1/operations/{id}/cancel"),
        format!("GET /v1/operations/{id}"),
        "GET /v1/operations?limit=2".to_owned(),
        format!("GET /v1/operations/{id}/conflicts?limit=2"),
    ];
    let want: Vec<_> = each.iter().flat_map(|line| [line, line, line]).cloned().collect();
    assert_eq!(mock.lines()[1..], want);
}
