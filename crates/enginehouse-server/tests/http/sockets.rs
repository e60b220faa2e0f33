//! What clients may do to a server on a real socket, and what it does about it.

use std::time::Duration;

use enginehouse_server::server::{BindError, Listener, ServerConfig};
use tokio::io::AsyncReadExt;

use crate::running_server::{read_to_end, start};

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut_off() {
    let server = start(|config| config.header_timeout = Duration::from_millis(200)).await;
    let slow = server.connect("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await;
    assert_eq!(read_to_end(slow).await, "");
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let server = start(|config| config.idle_timeout = Duration::from_millis(200)).await;
    let idle = server.connect("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(read_to_end(idle).await.ends_with("{\"status\":\"alive\"}\n"));
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_full_shuts_down_in_time() {
    let server = start(|config| config.limits.max_connections = 1).await;
    // Its body does not come, so it is not idle.
    let body = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let mut first = server.connect(body).await;
    first.read_u8().await.unwrap();
    let waiting = server.connect("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    server.stop().await;
    assert_eq!(read_to_end(waiting).await, "");
}

#[tokio::test]
async fn a_shutdown_ends_in_time_whatever_slow_and_idle_clients_do() {
    let server = start(|config| config.shutdown_timeout = Duration::from_secs(1)).await;
    let idle = server.connect("").await;
    let half = server.connect("POST /v1/events HTTP/1.1\r\nHost: localhost\r\n").await;
    let body =
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let stalled = server.connect(body).await;
    server.stop().await;
    drop((idle, half, stalled));
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let config = ServerConfig::on(([0, 0, 0, 0], 0).into());
    let refused = Listener::bind(config).await;
    assert!(matches!(refused, Err(BindError::Unfenced(_))));
}
