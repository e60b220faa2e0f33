//! Tokens that are for some addresses alone.

use crate::app::{TestApp, field, request};
use crate::permissions::{call_as, token};
use crate::running_server::{read_answer, start};

/// In process, callers are at 127.0.0.1.
#[tokio::test]
async fn from_another_address_a_token_is_as_if_nobody_had_made_it() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let make = async |name: &str, addresses: &str| {
        let body = format!(r#"{{"name":"{name}","role":"viewer","allowed_addresses":{addresses}}}"#);
        call_as(&app, &admin, "POST /v1/tokens", &body).await
    };
    let here = make("here", r#"["10.0.0.0/8","127.0.0.0/8"]"#).await;
    let there = make("there", r#"["192.0.2.0/24"]"#).await;
    assert_eq!(here.json()["kept"]["allowed_addresses"], serde_json::json!(["10.0.0.0/8", "127.0.0.0/8"]));
    let (here, there) = (field(&here, "/token"), field(&there, "/token"));
    assert_eq!(call_as(&app, &here, "GET /v1/stats", "").await.status, 200);
    let refused = call_as(&app, &there, "GET /v1/stats", "").await;
    let without = app.send(request("GET /v1/stats", "application/json", "")).await;
    assert_eq!((refused.status, &refused.body), (401, &without.body));
    assert_eq!(refused.headers["www-authenticate"], without.headers["www-authenticate"]);
    let metrics = call_as(&app, &admin, "GET /metrics", "").await.body;
    for line in ["{reason=\"address_not_allowed\"} 1", "{reason=\"unauthenticated\"} 1"] {
        assert!(metrics.contains(&format!("enginehouse_access_refused_total{line}")), "{line}");
    }
    let accessor = &there[4..16];
    let shown = call_as(&app, &admin, &format!("GET /v1/tokens/{accessor}"), "").await;
    assert_eq!(shown.json()["allowed_addresses"], serde_json::json!(["192.0.2.0/24"]));
    assert!(shown.json()["last_used_at"].is_null());
    let rotated = call_as(&app, &admin, &format!("POST /v1/tokens/{accessor}/rotate"), "").await;
    assert_eq!(rotated.json()["kept"]["allowed_addresses"], serde_json::json!(["192.0.2.0/24"]));
    assert_eq!(call_as(&app, &field(&rotated, "/token"), "GET /v1/stats", "").await.status, 401);
    for (bad, pointer) in [
        ("[]", "/allowed_addresses"),
        (r#"["10.0.0.1/8"]"#, "/allowed_addresses/0"),
        (r#"["10.0.0.0/8","host.example"]"#, "/allowed_addresses/1"),
        (r#""10.0.0.0/8""#, "/allowed_addresses"),
    ] {
        let refused = make("bad", bad).await;
        assert_eq!((refused.status, field(&refused, "/errors/0/pointer")), (422, pointer.to_owned()), "{bad}");
    }
    app.close().await;
}

/// What a trusted proxy says counts, and what anybody else says does not.
#[tokio::test]
async fn the_address_is_that_of_the_client_behind_a_trusted_proxy() {
    let server = start(|config| config.trusted_proxies = "127.0.0.2".parse().unwrap()).await;
    let token = server.token(r#"{"name":"a","role":"viewer","allowed_addresses":["198.51.100.0/24"]}"#).await;
    let status = async |from, client: &str| {
        let asked = format!(
            "GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nX-Forwarded-For: {client}\r\n\r\n"
        );
        let mut connection = server.connect_from(from, &asked).await;
        read_answer(&mut connection).await.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status([127, 0, 0, 2], "198.51.100.7").await, "200");
    assert_eq!(status([127, 0, 0, 2], "::ffff:198.51.100.7").await, "200");
    assert_eq!(status([127, 0, 0, 2], "198.51.101.7").await, "401");
    assert_eq!(status([127, 0, 0, 3], "198.51.100.7").await, "401", "it says so itself");
    server.stop().await;
}
