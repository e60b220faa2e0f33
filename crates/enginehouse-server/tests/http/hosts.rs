//! Under which names the server may be called: a page that has rebound a name of its own to this address is not answered.

use crate::running_server::{RunningServer, read_to_end, start};

/// Sends this head, and answers the status and the code of the problem, if it is one.
async fn answered(server: &RunningServer, head: &str) -> String {
    let answer = read_to_end(server.connect(&format!("{head}Connection: close\r\n\r\n")).await).await;
    let status = answer.get(9..12).unwrap_or_else(|| panic!("{head:?} is not answered: {answer}"));
    let code = answer.split_once(r#""code":""#).and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    format!("{status} {code}").trim_end().to_owned()
}

#[tokio::test]
async fn a_request_has_to_name_an_address_of_the_listener_or_localhost() {
    let server = start(|_| {}).await;
    for (hosts, want) in [
        (&["localhost", "LOCALHOST:1", "localhost.", "localhost:", "127.0.0.1:80", "[::ffff:127.0.0.1]:80"][..], "200"),
        (
            &[
                "evil.example",
                "evil.example:7420",
                "localhost.evil.example",
                "127.0.0.2",
                "[::1]:80",
                "0.0.0.0",
                "127.1",
            ],
            "421 misdirected_request",
        ),
        (
            &[
                "",
                ":80",
                "a b",
                "me@localhost",
                "localhost:x",
                "localhost:80:80",
                "[::1",
                "[localhost]",
                "http://localhost",
            ],
            "400 invalid_request",
        ),
    ] {
        for host in hosts {
            let head = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n");
            assert_eq!(answered(&server, &head).await, want, "Host: {host}");
        }
    }
    let twice = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n";
    assert_eq!(answered(&server, twice).await, "400 invalid_request");
    assert_eq!(answered(&server, "GET /healthz HTTP/1.1\r\n").await, "400 invalid_request");
    // It knows no such header. No browser speaks it.
    assert_eq!(answered(&server, "GET /healthz HTTP/1.0\r\n").await, "200");
    assert_eq!(answered(&server, "GET /healthz HTTP/1.0\r\nHost: evil.example\r\n").await, "421 misdirected_request");
    server.stop().await;
}

#[tokio::test]
async fn an_operator_allows_other_names() {
    let server = start(|config| config.allowed_hosts = "Queue.example,10.1.2.3".parse().unwrap()).await;
    for (host, want) in [
        ("queue.example:8443", "200"),
        ("10.1.2.3", "200"),
        ("localhost", "200"),
        ("other.example", "421 misdirected_request"),
    ] {
        assert_eq!(answered(&server, &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n")).await, want, "{host}");
    }
    server.stop().await;
    let server = start(|config| config.allowed_hosts = "*".parse().unwrap()).await;
    for (host, want) in [("evil.example", "200"), ("a b", "400 invalid_request")] {
        assert_eq!(answered(&server, &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n")).await, want, "{host}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_on_all_addresses_has_the_one_that_was_connected_to() {
    let server = start(|config| {
        config.listen = "0.0.0.0:0".parse().unwrap();
        config.insecure = true;
    })
    .await;
    for (host, want) in [("127.0.0.1", "200"), ("0.0.0.0", "200"), ("127.0.0.2", "421 misdirected_request")] {
        assert_eq!(answered(&server, &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n")).await, want, "{host}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_name_is_looked_at_before_anything_else_and_in_whichever_form_it_comes() {
    let server = start(|_| {}).await;
    for (head, want) in [
        ("GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n", "421 misdirected_request"),
        ("GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n", "421 misdirected_request"),
        ("GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n", "200"),
        (
            "POST /nowhere?a HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n",
            "421 misdirected_request",
        ),
    ] {
        assert_eq!(answered(&server, head).await, want, "{head}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_the_same_host_under_another_scheme_is_another_site() {
    let server = start(|_| {}).await;
    for (origin, want) in [
        ("http://localhost:7420", "405 method_not_allowed"),
        ("https://localhost:7420", "403 cross_origin"),
        ("http://localhost:7421", "403 cross_origin"),
        ("null", "403 cross_origin"),
    ] {
        let head = format!("POST /healthz HTTP/1.1\r\nHost: localhost:7420\r\nOrigin: {origin}\r\n");
        assert_eq!(answered(&server, &head).await, want, "{origin}");
    }
    // What the browser itself says goes over it: behind a proxy that does TLS, schemes differ.
    let head =
        "POST /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nSec-Fetch-Site: same-origin\r\n";
    assert_eq!(answered(&server, head).await, "405 method_not_allowed");
    server.stop().await;
}
