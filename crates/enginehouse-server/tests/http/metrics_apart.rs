//! Metrics on an address of their own.

use crate::running_server::{read_answer, read_to_end, start};

#[tokio::test]
async fn metrics_are_where_they_are_to_be_and_nothing_else_is() {
    let server = start(|config| {
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        config.limits.max_connections = 1;
    })
    .await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    for (path, among_calls, among_metrics) in [
        ("/metrics", "404", "200"),
        ("/healthz", "200", "200"),
        ("/readyz", "200", "200"),
        ("/v1/events", "200", "404"),
        ("/docs", "308", "404"),
        ("/openapi.json", "200", "404"),
        ("/", "200", "404"),
    ] {
        let answer = read_to_end(server.connect(&get(path)).await).await;
        assert_eq!(&answer[9..12], among_calls, "{path}");
        let answer = read_to_end(server.connect_for_metrics(&get(path)).await).await;
        assert_eq!(&answer[9..12], among_metrics, "{path}");
    }
    let described = read_to_end(server.connect(&get("/openapi.json")).await).await;
    assert!(described.contains("\"/healthz\"") && !described.contains("\"/metrics\""));
    // Whoever calls takes all connections there are, and none of those for metrics.
    let head = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\
                expect: 100-continue\r\n\r\n";
    let mut busy = server.connect(head).await;
    let mut interim = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut busy, &mut interim).await.unwrap();
    assert_eq!(server.metric("enginehouse_http_budget_held{budget=\"connections\"}").await, 1);
    // A stranger's page is no more welcome here.
    let rebound = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert!(read_answer(&mut server.connect_for_metrics(rebound).await).await.starts_with("HTTP/1.1 421"));
    drop(busy);
    server.stop().await;
}
