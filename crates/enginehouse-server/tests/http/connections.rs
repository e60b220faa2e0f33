//! Who may have one more connection, and which is closed for it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running_server::{RunningServer, read_answer, read_to_end, request, start};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const OPEN: &str = "enginehouse_http_connections";

/// A connection that has had its answer.
async fn idle(server: &RunningServer, address: [u8; 4]) -> TcpStream {
    let mut stream = server.connect_from(address, HEALTH).await;
    assert!(read_answer(&mut stream).await.ends_with("{\"status\":\"alive\"}\n"));
    stream
}

/// Connections with a claim that waits.
async fn waiting(server: &RunningServer, address: [u8; 4], count: i64) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let claim = request("POST /v1/engines/e/claim", r#"{"epoch":1,"wait_seconds":60}"#);
        streams.push(server.connect_from(address, &claim).await);
    }
    server.until("enginehouse_waiting_claims", |claims| claims == count).await;
    streams
}

async fn register(server: &RunningServer) {
    let mut stream = server.connect(&request("PUT /v1/engines/e", r#"{"engine_type":"t"}"#)).await;
    read_answer(&mut stream).await;
}

#[tokio::test]
async fn the_connection_that_was_idle_for_longest_makes_room() {
    let server = start(|config| config.limits.max_connections = 8).await;
    let oldest = idle(&server, [127, 0, 0, 1]).await;
    let mut waiting = Vec::new();
    for last in 2..=5 {
        waiting.push(idle(&server, [127, 0, 0, last]).await);
    }
    // Older ones than the last, but in use since.
    for stream in &mut waiting {
        stream.write_all(HEALTH.as_bytes()).await.unwrap();
        read_answer(stream).await;
    }
    for last in 21..=24 {
        waiting.push(idle(&server, [127, 0, 0, last]).await);
    }
    assert_eq!(read_to_end(oldest).await, "", "it is closed");
    let mut last = waiting.pop().unwrap();
    last.write_all(HEALTH.as_bytes()).await.unwrap();
    read_answer(&mut last).await;
    assert!(server.metric("enginehouse_http_connections_evicted_total").await >= 1);
    server.stop().await;
}

#[tokio::test]
async fn one_address_leaves_room_for_all_others_and_a_waiting_claim_is_not_idle() {
    let server = start(|config| config.limits.max_connections = 16).await;
    register(&server).await;
    server.until(OPEN, |open| open <= 2).await;
    let claims = waiting(&server, [127, 0, 0, 1], 8).await;
    // Its share is taken by what is in use: no more of this address, and others do not notice.
    let mut refused = 0;
    for _ in 0..20 {
        let answer = read_to_end(server.connect_from([127, 0, 0, 1], "").await).await;
        refused += usize::from(answer.starts_with("HTTP/1.1 429") && answer.contains("max_connections"));
    }
    assert!(refused >= 19, "{refused}");
    drop(idle(&server, [127, 0, 0, 2]).await);
    server.until("enginehouse_waiting_claims", |claims| claims == 8).await;
    drop(claims);
    // Their threads notice it by and by.
    server.until(OPEN, |open| open <= 2).await;
    drop(idle(&server, [127, 0, 0, 1]).await);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_finds_no_idle_one_waits_to_be_accepted() {
    let server = start(|config| config.limits.max_connections = 1).await;
    let head = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\
                expect: 100-continue\r\n\r\n";
    let mut first = server.connect(head).await;
    // From here on it is in use: until its first byte is read a connection is an idle one.
    let mut interim = *b"HTTP/1.1 100 Continue\r\n\r\n";
    let expected = interim;
    first.read_exact(&mut interim).await.unwrap();
    assert_eq!(interim, expected);
    first.write_all(b"{\"event_type\"").await.unwrap();
    let mut next = server.connect_from([127, 0, 0, 2], HEALTH).await;
    let early = tokio::time::timeout(Duration::from_millis(100), next.readable()).await;
    assert!(early.is_err(), "it is neither answered nor closed");
    // The first one is answered, and idle from then on.
    first.write_all(b":\"a\"}").await.unwrap();
    assert!(read_answer(&mut first).await.starts_with("HTTP/1.1 201"));
    assert!(read_answer(&mut next).await.ends_with("{\"status\":\"alive\"}\n"));
    assert_eq!(read_to_end(first).await, "");
    server.stop().await;
}
