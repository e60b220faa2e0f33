//! Connections whose claims wait: taken apart meanwhile, and then as good as any other.

use tokio::net::TcpStream;

use crate::running_server::{RunningServer, read_answer, read_to_end, request, start};

const CLAIM: &str = r#"{"epoch":1,"wait_seconds":60}"#;
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Makes a call over a connection of its own.
async fn call(server: &RunningServer, line: &str, body: &str) {
    let answer = read_answer(&mut server.connect(&request(line, body)).await).await;
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

/// A server with an engine.
async fn started() -> RunningServer {
    let server = start(|_| {}).await;
    call(&server, "PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    server
}

/// A connection that has sent this, and whose claim waits.
async fn waiting(server: &RunningServer, sent: &str) -> TcpStream {
    let stream = server.connect(sent).await;
    server.until("enginehouse_waiting_claims", |claims| claims == 1).await;
    stream
}

async fn enqueue(server: &RunningServer) {
    call(server, "POST /v1/events", r#"{"event_type":"t","payload":null}"#).await;
}

#[tokio::test]
async fn what_was_sent_behind_a_waiting_claim_is_answered_after_it() {
    let server = started().await;
    let claim = request("POST /v1/engines/e/claim", CLAIM);
    let mut stream = waiting(&server, &format!("{claim}{claim}")).await;
    for _ in 0..2 {
        enqueue(&server).await;
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""event_type":"t""#), "{answer}");
    }
    tokio::io::AsyncWriteExt::write_all(&mut stream, HEALTH.as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.ends_with("{\"status\":\"alive\"}\n"));
    server.stop().await;
}

#[tokio::test]
async fn a_connection_is_closed_after_a_waiting_claim_if_its_client_wants_it() {
    let server = started().await;
    let claim = request("POST /v1/engines/e/claim", CLAIM);
    for (sent, answered) in [
        (claim.replacen("Host: localhost", "Host: localhost\r\nConnection: Close", 1), "HTTP/1.1 200"),
        (claim.replacen("HTTP/1.1", "HTTP/1.0", 1), "HTTP/1.0 200"),
    ] {
        let stream = waiting(&server, &sent).await;
        enqueue(&server).await;
        let answer = read_to_end(stream).await;
        assert!(answer.starts_with(answered) && answer.contains(r#""event_type":"t""#), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_while_its_claim_waits_is_noticed() {
    let server = started().await;
    let stream = waiting(&server, &request("POST /v1/engines/e/claim", CLAIM)).await;
    drop(stream);
    // The one that asks is open.
    server.until("enginehouse_http_connections", |open| open == 1).await;
    // Nobody else calls meanwhile.
    server.until("enginehouse_waiting_claims", |claims| claims == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_answers_a_waiting_claim_and_closes_its_connection() {
    let server = started().await;
    let stream = waiting(&server, &request("POST /v1/engines/e/claim", CLAIM)).await;
    server.stop().await;
    let answer = read_to_end(stream).await;
    assert!(answer.contains("connection: close") && answer.ends_with("{\"events\":[]}\n"), "{answer}");
}

#[tokio::test]
async fn a_caller_that_waits_for_the_end_of_an_event_and_hangs_up_leaves_nothing_and_a_shutdown_answers_it() {
    let server = started().await;
    let sent = request("POST /v1/events?wait_seconds=60", r#"{"event_type":"t"}"#);
    let stream = server.connect(&sent).await;
    server.until("enginehouse_waiting_for_ends", |callers| callers == 1).await;
    drop(stream);
    server.until("enginehouse_waiting_for_ends", |callers| callers == 0).await;
    let stream = server.connect(&format!("{sent}{HEALTH}")).await;
    server.until("enginehouse_waiting_for_ends", |callers| callers == 1).await;
    server.stop().await;
    let answer = read_to_end(stream).await;
    assert!(answer.starts_with("HTTP/1.1 201") && answer.contains(r#""status":"queued""#), "{answer}");
}
