//! Answers that nobody takes: they are bounded, in all and by address, and harm nobody.

use std::time::Duration;

use axum::body::HttpBody;
use enginehouse_server::http::Limits;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::app::{TestApp, field, request as in_process};
use crate::running_server::{read_answer, read_to_end, request, start};

const MIB: usize = 1024 * 1024;
const HELD: &str = "enginehouse_http_budget_held{budget=\"bulk_answers\"}";

/// Enqueues so many events of 200 KB.
fn batch(events: usize) -> String {
    let event = format!(r#"{{"event_type":"a","payload":"{}"}}"#, "x".repeat(200_000));
    format!(r#"{{"events":[{}]}}"#, vec![event; events].join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_take_nothing_hold_the_share_of_their_address_until_they_are_cut_off() {
    let server = start(|config| {
        config.limits.max_bulk_bytes = 24 * MIB;
        config.write_timeout = Duration::from_secs(8);
    })
    .await;
    let mut producer = server.connect(&request("POST /v1/events/batch", &batch(25))).await;
    assert!(read_answer(&mut producer).await.starts_with("HTTP/1.1 200"));
    let list = "GET /v1/events?limit=20 HTTP/1.1\r\nHost: localhost\r\nconnection: close\r\n\r\n";
    let mut readers = Vec::new();
    for _ in 0..40 {
        readers.push(server.connect(list).await);
    }
    // 4 MB each: the share of an address is 12 MiB, and kernels take some of it.
    server.until("enginehouse_http_budget_refused_total{budget=\"bulk_answers\"}", |refused| refused >= 10).await;
    let held = usize::try_from(server.metric(HELD).await).unwrap();
    assert!((4_000_000..=16 * MIB).contains(&held), "{held}");
    let mut other = server.connect_from([127, 0, 0, 2], list).await;
    assert!(read_answer(&mut other).await.starts_with("HTTP/1.1 200"), "another address has its own share");
    server.until(HELD, |held| held == 0).await;
    let refused = {
        let mut refused = 0;
        for reader in readers {
            refused += usize::from(read_to_end(reader).await.contains("max_bulk_mb"));
        }
        refused
    };
    assert!((10..40).contains(&refused), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn events_that_there_is_no_room_to_send_are_not_given() {
    let mut app = TestApp::with(Limits { max_control_bytes: MIB, ..Limits::default() });
    let engine =
        r#"{"engine_type":"t","metadata":{"static_config":{"resource_limits":{"max_concurrent_events":100}}}}"#;
    app.prepare("PUT /v1/engines/e", engine).await;
    app.prepare("POST /v1/events/batch", &batch(5)).await;
    // An answer whose body is not taken yet: half of the room is that of an address.
    let claim = in_process("POST /v1/engines/e/claim", "application/json", r#"{"epoch":1,"limit":5}"#);
    let untaken = app.router().oneshot(claim).await.unwrap().into_body();
    let bytes = usize::try_from(untaken.size_hint().exact().unwrap()).unwrap();
    assert!((600_000..700_000).contains(&bytes), "three of five: {bytes}");
    let stats = app.call("GET /v1/stats", "").await;
    assert!(stats.body.contains(r#""events":{"queued":2,"processing":3,"#), "{}", stats.body);
    // The next claim is refused, unless it comes with a heartbeat, which must not notice.
    let refused = app.call("POST /v1/engines/e/claim", r#"{"epoch":1,"limit":5}"#).await;
    assert!(refused.status == 429 && refused.body.contains("max_control_mb"), "{}", refused.body);
    let exchange = app.call("POST /v1/engines/e/exchange", r#"{"epoch":1,"heartbeat":{},"claim":{}}"#).await;
    assert_eq!(exchange.status, 200, "{}", exchange.body);
    let body = untaken.collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), bytes);
    drop(body);
    let claimed = app.call("POST /v1/engines/e/claim", r#"{"epoch":1,"limit":1}"#).await;
    assert_eq!(field(&claimed, "/events/0/event_type"), "a", "there is room again");
    app.close().await;
}
