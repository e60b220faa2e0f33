//! Who calls, if a proxy says so.

use crate::running_server::{read_answer, start};

/// A stream of lines that does not end.
fn stream_for(client: &str) -> String {
    format!(
        "POST /v1/events/batch HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/x-ndjson\r\nX-Forwarded-For: {client}\r\n\
         transfer-encoding: chunked\r\n\r\n18\r\n{{\"event_type\":\"dribbled\"\r\n"
    )
}

#[tokio::test]
async fn the_clients_of_a_trusted_proxy_have_shares_of_their_own() {
    let server = start(|config| {
        config.trusted_proxies = "127.0.0.2".parse().unwrap();
        config.limits.max_streams = 4;
    })
    .await;
    // Half of the streams are one address's at most: here, that of the client which the proxy names.
    let held = "enginehouse_http_budget_held{budget=\"streams\"}";
    let mut open = Vec::new();
    for count in 1..=2 {
        open.push(server.connect_from([127, 0, 0, 2], &stream_for("198.51.100.7")).await);
        server.until(held, |streams| streams == count).await;
    }
    let mut third = server.connect_from([127, 0, 0, 2], &stream_for("198.51.100.7")).await;
    assert!(read_answer(&mut third).await.starts_with("HTTP/1.1 429"));
    open.push(server.connect_from([127, 0, 0, 2], &stream_for("198.51.100.8")).await);
    server.until(held, |streams| streams == 3).await;
    drop(open);
    server.until(held, |streams| streams == 0).await;
    // Whoever is no proxy is who it is, whatever it says.
    let mut open = Vec::new();
    for count in 1..=2 {
        open.push(server.connect_from([127, 0, 0, 3], &stream_for(&format!("198.51.100.{count}"))).await);
        server.until(held, |streams| streams == count).await;
    }
    let mut third = server.connect_from([127, 0, 0, 3], &stream_for("198.51.100.3")).await;
    assert!(read_answer(&mut third).await.starts_with("HTTP/1.1 429"));
    drop(open);
    server.stop().await;
}
