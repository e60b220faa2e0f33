//! What callers send takes nothing from other callers: not by its size, not by its slowness.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::running_server::{RunningServer, read_answer, read_to_end, request, start};

const STREAM: &str = "POST /v1/events/batch HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/x-ndjson\r\n\
                      transfer-encoding: chunked\r\n\r\n18\r\n{\"event_type\":\"dribbled\"\r\n";

pub(crate) async fn register(server: &RunningServer, engine_id: &str) {
    let body = r#"{"engine_type":"t","metadata":{"static_config":{"resource_limits":{"max_concurrent_events":100}}}}"#;
    let mut stream = server.connect(&request(&format!("PUT /v1/engines/{engine_id}"), body)).await;
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 201"));
}

/// Sends heartbeats, all of which must be answered. Answers how long the slowest but one of a hundred took.
pub(crate) async fn heartbeat(server: &RunningServer, times: usize) -> Duration {
    let beat = request("POST /v1/engines/e/heartbeat", r#"{"epoch":1}"#);
    let mut stream = server.connect("").await;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let since = Instant::now();
        stream.write_all(beat.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        took.push(since.elapsed());
    }
    took.sort_unstable();
    took[times * 99 / 100 - 1]
}

/// The wanted 50 ms, and ten times as much: the machine may have much else to do.
const SOON: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_do_not_notice_who_dribbles() {
    let server = start(|config| config.limits.body_grace = Duration::from_secs(3)).await;
    register(&server, "e").await;
    let mut dribblers = Vec::new();
    for _ in 0..200 {
        dribblers.push(server.connect(STREAM).await);
    }
    // Each as large as it may be, and without its last byte.
    let size = 64 * 1024 * 1024;
    for _ in 0..4 {
        let head = format!(
            "POST /v1/events/batch HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
        );
        let mut stream = server.connect(&head).await;
        tokio::spawn(async move {
            let piece = vec![b' '; 64 * 1024];
            for _ in 0..size / piece.len() - 1 {
                if stream.write_all(&piece).await.is_err() {
                    return stream;
                }
            }
            stream.write_all(&piece[1..]).await.ok();
            stream
        });
    }
    let p99 = heartbeat(&server, 200).await;
    assert!(p99 < SOON, "{p99:?}");
    // A producer at another address has its own share, and a small event needs none.
    let mut stream = server.connect_from([127, 0, 0, 2], STREAM).await;
    stream.write_all(b"2\r\n}\n\r\n0\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut stream).await.contains(r#""enqueued":1,"#));
    let mut stream = server.connect(&request("POST /v1/events", r#"{"event_type":"a"}"#)).await;
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 201"));

    let (mut refused, mut cut_off) = (0, 0);
    for dribbler in dribblers {
        let answer = read_to_end(dribbler).await;
        refused += usize::from(answer.starts_with("HTTP/1.1 429") && answer.contains("max_streams"));
        cut_off += usize::from(answer.starts_with("HTTP/1.1 408") && answer.contains("min_bytes_per_second"));
    }
    assert_eq!((refused, cut_off), (200 - 32, 32), "one address has half of the streams");
    server.until("enginehouse_http_budget_held{budget=\"bulk_bodies\"}", |held| held == 0).await;
    assert_eq!(server.metric("enginehouse_http_budget_held{budget=\"streams\"}").await, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_claim_that_waits_holds_no_room_for_its_body() {
    let server = start(|config| config.limits.max_control_bytes = 4 * 1024 * 1024).await;
    register(&server, "e").await;
    let mut padded = r#"{"epoch":1,"wait_seconds":60}"#.to_owned();
    padded.push_str(&" ".repeat(1_000_000));
    let padded = request("POST /v1/engines/e/claim", &padded);
    let mut waiting: Vec<TcpStream> = Vec::new();
    for count in 1..=16 {
        waiting.push(server.connect(&padded).await);
        server.until("enginehouse_waiting_claims", |claims| claims == count).await;
    }
    assert_eq!(server.metric("enginehouse_http_budget_held{budget=\"control_bodies\"}").await, 0);
    assert!(heartbeat(&server, 100).await < SOON);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_of_lines_goes_on_in_little_room() {
    // Room for one line and hardly more, for one address.
    let server = start(|config| config.limits.max_bulk_bytes = 2_200_000).await;
    let line = format!("{{\"event_type\":\"a\",\"payload\":\"{}\"}}\n", "x".repeat(100_000));
    let body = line.repeat(60);
    let head = format!(
        "POST /v1/events/batch HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = server.connect(&(head + &body)).await;
    let answer = read_answer(&mut stream).await;
    assert!(answer.contains(r#""enqueued":60,"#), "{answer}");
    server.stop().await;
}
