//! Answers that come before the request has arrived as a whole, or to clients that send no more: they are read.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running_server::{LIMIT, RunningServer, read_answer, read_to_end, request, start};

const MIB: usize = 1024 * 1024;

/// The head of a request that announces a body of so many bytes.
fn head(line: &str, length: usize) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
}

/// What a client reads that sends all of its body first, as most do; or why it reads nothing.
async fn sent_whole(mut stream: TcpStream, body: &[u8]) -> Result<String, String> {
    let exchange = async {
        stream.write_all(body).await.map_err(|error| format!("while it sent: {error}"))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(|error| format!("while it read: {error}"))?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(LIMIT, exchange).await.expect("it ends in time")
}

/// How many of 30 such clients read no answer of this kind to a body of 8 MiB.
async fn without_answer(server: &RunningServer, line: &str, status: &str) -> usize {
    let body = vec![b' '; 8 * MIB];
    let mut failed = 0;
    for _ in 0..30 {
        let read = sent_whole(server.connect(&head(line, body.len())).await, &body).await;
        failed += usize::from(!read.is_ok_and(|answer| answer.starts_with(&format!("HTTP/1.1 {status}"))));
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_too_much_reads_that_it_is_too_much() {
    let server = start(|_| {}).await;
    assert_eq!(without_answer(&server, "POST /v1/events", "413").await, 0);
    // Whatever else is answered before its body has arrived.
    assert_eq!(without_answer(&server, "POST /nowhere", "404").await, 0);
    assert_eq!(without_answer(&server, "POST /healthz", "405").await, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_refused_body_that_does_not_end_is_not_read_for_ever() {
    let server = start(|_| {}).await;
    // It announces a terabyte, and goes on with it.
    let mut stream = server.connect(&head("POST /v1/events", 1 << 40)).await;
    let chunk = vec![b' '; MIB];
    let sending = async {
        let mut sent = 0;
        while stream.write_all(&chunk).await.is_ok() {
            sent += 1;
        }
        sent
    };
    let sent = tokio::time::timeout(LIMIT, sending).await.expect("it is cut off");
    assert!(sent < 200, "{sent} MiB");
    // Nor is one waited for that sends nothing more.
    let mut silent = server.connect(&head("POST /v1/events", 1 << 40)).await;
    assert!(read_answer(&mut silent).await.starts_with("HTTP/1.1 413"));
    server.until("enginehouse_http_connections", |open| open == 1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_has_said_all_it_has_to_say_gets_its_answer() {
    let server = start(|_| {}).await;
    for engine in ["a", "b", "c", "d", "e"] {
        for (sent, status) in [
            (request("POST /v1/events", r#"{"event_type":"a"}"#), 201),
            (request(&format!("PUT /v1/engines/{engine}"), r#"{"engine_type":"t"}"#), 201),
            (request(&format!("POST /v1/engines/{engine}/claim"), r#"{"epoch":1}"#), 200),
            (request("GET /v1/stats", ""), 200),
        ] {
            let mut stream = server.connect(&sent).await;
            stream.shutdown().await.unwrap();
            let answer = read_to_end(stream).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{sent}\n{answer}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_request_is_told_so_in_a_problem_document() {
    let server = start(|_| {}).await;
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (sent, status, code) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("POST /v1/events HTTP/1.1\r\nHost: localhost\r\ncontent-length: x\r\n\r\n".to_owned(), 400, "invalid_request"),
        (
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(),
            400,
            "invalid_request",
        ),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(40_000)), 431, "too_large"),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431, "too_large"),
    ] {
        let shown: String = sent.chars().take(60).collect();
        // Behind a good request, whose answer stays as it is.
        let before = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut stream = server.connect(before).await;
        assert!(read_answer(&mut stream).await.trim_end().ends_with(r#"{"status":"alive"}"#));
        stream.write_all(sent.as_bytes()).await.unwrap();
        let answer = read_to_end(stream).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{shown:?}: {answer:?}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?}: {answer}");
        assert!(head.contains("application/problem+json") && head.contains("connection: close"), "{shown:?}: {head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{shown:?}: {answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((problem["status"].as_i64(), problem["code"].as_str()), (Some(status), Some(code)), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_in_pieces_of_another_coding_is_refused() {
    let server = start(|_| {}).await;
    let head = |coding: &str| {
        format!(
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\nConnection: close\r\n\
             Transfer-Encoding: {coding}\r\n\r\n"
        )
    };
    let chunks = "12\r\n{\"event_type\":\"a\"}\r\n0\r\n\r\n";
    let plain = read_to_end(server.connect(&format!("{}{chunks}", head("Chunked"))).await).await;
    assert!(plain.starts_with("HTTP/1.1 201"), "{plain}");
    let coded = read_to_end(server.connect(&format!("{}{chunks}", head("gzip, chunked"))).await).await;
    assert!(coded.starts_with("HTTP/1.1 501") && coded.contains("unsupported_transfer_coding"), "{coded}");
    let twice = head("gzip").replacen("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", 1);
    let coded = read_to_end(server.connect(&format!("{twice}{chunks}")).await).await;
    assert!(coded.starts_with("HTTP/1.1 501"), "{coded}");
    server.stop().await;
}

#[tokio::test]
async fn answers_end_their_line() {
    let server = start(|_| {}).await;
    for line in ["GET /healthz", "GET /v1/events", "GET /nowhere", "GET /metrics", "GET /", "GET /openapi.json"] {
        let answer =
            read_to_end(server.connect(&request(line, "").replacen("\r\n", "\r\nconnection: close\r\n", 1)).await)
                .await;
        assert!(answer.ends_with('\n') && !answer.ends_with("\r\n\r\n"), "{line}: {answer:?}");
    }
    tokio::time::timeout(Duration::from_secs(20), server.stop()).await.unwrap();
}
