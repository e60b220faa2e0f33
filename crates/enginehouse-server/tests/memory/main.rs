//! What a claim costs while it waits: the bytes that the whole process has allocated, counted by its allocator.
//!
//! Alone in its process, so that nothing else allocates meanwhile.

#[path = "../http/certificates.rs"]
mod certificates;
#[path = "../http/given_tokens.rs"]
mod given_tokens;
#[path = "../http/running_server.rs"]
mod running_server;

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_server::server::TlsFiles;
use peak_alloc::PeakAlloc;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::certificates::TestCa;
use crate::running_server::{LIMIT, RunningServer, read_answer, request, start};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Both ends of each connection are in this process, which may open 1,024 files.
const CLAIMS: usize = 200;
/// Most that a waiting claim may take.
const MAX_BYTES: usize = 8 * 1024;
/// The same over TLS: its session has keys, and a buffer for what comes next.
const MAX_TLS_BYTES: usize = 20 * 1024;

/// Connections with a waiting claim each, the bodies of whose requests are as large as that.
async fn waiting(server: &RunningServer, body_bytes: usize) -> Vec<TcpStream> {
    let body = format!("{:body_bytes$}", r#"{"epoch":1,"limit":3,"wait_seconds":60}"#);
    let mut streams = Vec::new();
    for _ in 0..CLAIMS {
        let mut stream = server.connect("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        read_answer(&mut stream).await;
        stream.write_all(request("POST /v1/engines/e/claim", &body).as_bytes()).await.unwrap();
        // Without anything of tokio's around it, the client's end takes no memory.
        streams.push(stream.into_std().unwrap());
    }
    server.until("enginehouse_waiting_claims", |claims| claims == CLAIMS as i64).await;
    streams
}

/// Waits until a claim takes no more than this, beyond what was allocated before.
async fn until_each_takes(most: usize, before: usize, server: &RunningServer, what: &str) {
    let mut each = usize::MAX;
    let looking = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        while each > most {
            again.tick().await;
            // Connections that have ended are forgotten when the next one comes.
            server.metric("enginehouse_waiting_claims").await;
            each = ALLOCATOR.current_usage().saturating_sub(before) / CLAIMS;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, looking).await;
    assert!(in_time.is_ok(), "{what}: {each} bytes for each of {CLAIMS}, not {most}");
}

/// The same over TLS.
async fn waiting_over_tls(server: &RunningServer, tls: &TlsConnector) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..CLAIMS {
        let stream = server.connect("").await;
        let mut stream = tls.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        read_answer(&mut stream).await;
        let claim = request("POST /v1/engines/e/claim", r#"{"epoch":1,"limit":3,"wait_seconds":60}"#);
        stream.write_all(claim.as_bytes()).await.unwrap();
        // The client's session is not what is measured.
        streams.push(stream.into_inner().0.into_std().unwrap());
    }
    server.until("enginehouse_waiting_claims", |claims| claims == CLAIMS as i64).await;
    streams
}

#[tokio::test]
async fn a_waiting_claim_takes_little_memory_and_gives_it_back() {
    let server = start(|_| {}).await;
    let mut register = server.connect(&request("PUT /v1/engines/e", r#"{"engine_type":"t"}"#)).await;
    read_answer(&mut register).await;
    // What is made once and kept, is made before it counts.
    drop(waiting(&server, 0).await);
    server.until("enginehouse_waiting_claims", |claims| claims == 0).await;
    for (what, body_bytes) in [("plain", 0), ("padded", 60_000)] {
        let before = ALLOCATOR.current_usage();
        let streams = waiting(&server, body_bytes).await;
        until_each_takes(MAX_BYTES, before, &server, what).await;
        drop(streams);
        server.until("enginehouse_waiting_claims", |claims| claims == 0).await;
        until_each_takes(256, before, &server, "gone").await;
    }
    server.stop().await;

    let ca = TestCa::new();
    let mut server = start(|config| {
        let (cert, key) = ca.server_files();
        config.tls = Some(TlsFiles { cert, key, client_ca: None });
    })
    .await;
    let client = ca.client(&[&TLS13, &TLS12], None);
    server.speak_tls(client.clone());
    let tls = TlsConnector::from(Arc::new(client));
    let stream = server.connect("").await;
    let mut register = tls.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    register.write_all(request("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).as_bytes()).await.unwrap();
    read_answer(&mut register).await;
    drop(waiting_over_tls(&server, &tls).await);
    server.until("enginehouse_waiting_claims", |claims| claims == 0).await;
    let before = ALLOCATOR.current_usage();
    let streams = waiting_over_tls(&server, &tls).await;
    until_each_takes(MAX_TLS_BYTES, before, &server, "TLS").await;
    drop(streams);
    server.until("enginehouse_waiting_claims", |claims| claims == 0).await;
    until_each_takes(256, before, &server, "gone from TLS").await;
    server.stop().await;
}
