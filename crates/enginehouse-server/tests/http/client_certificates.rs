//! Clients that prove who they are with a certificate, and send nothing else.

use std::sync::Arc;

use rcgen::{CertificateParams, SanType};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::certificates::TestCa;
use crate::running_server::{RunningServer, read_answer};
use crate::tls::{BOTH, start_tls};

const ENGINE_7: &str = "spiffe://example.org/engine-7";
const REGISTER: &str = r#"{"engine_type":"t"}"#;

fn certificate(clients: &TestCa, name: &str) -> (String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names.push(SanType::URI(name.try_into().unwrap()));
    clients.sign(params)
}

/// The status of a call from an address, with a certificate and a token.
async fn status(
    server: &RunningServer,
    ca: &TestCa,
    from: [u8; 4],
    own: Option<&(String, String)>,
    token: Option<&str>,
    line: &str,
) -> u16 {
    let stream = server.connect_from(from, "").await;
    let connector = TlsConnector::from(Arc::new(ca.client(BOTH, own.cloned())));
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let body = if line.starts_with("PUT") { REGISTER } else { "" };
    let length = body.len();
    let asked = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\n{authorization}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    read_answer(&mut stream).await[9..12].parse().unwrap()
}

#[tokio::test]
async fn a_certificate_opens_the_token_of_its_name_until_that_is_revoked() {
    let (ca, clients) = (TestCa::new(), TestCa::new());
    let server = start_tls(&ca, |config| {
        config.tls.as_mut().unwrap().client_ca = Some(clients.ca_file());
        config.trusted_proxies = "127.0.0.2".parse().unwrap();
    })
    .await;
    let admin = server.token(r#"{"name":"root","role":"admin"}"#).await;
    let draft = format!(
        r#"{{"name":"engine-7","role":"engine","certificate_name":"{ENGINE_7}","selectors":{{"engines":["engine-7"]}}}}"#
    );
    let accessor = server.token(&draft).await;
    let (own, other) = (certificate(&clients, ENGINE_7), certificate(&clients, "spiffe://example.org/engine-8"));
    let (here, proxy) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    for (what, from, own, token, line, want) in [
        ("its engine", here, Some(&own), None, "PUT /v1/engines/engine-7", 201),
        ("another engine", here, Some(&own), None, "PUT /v1/engines/engine-8", 403),
        ("what its role has not", here, Some(&own), None, "GET /v1/stats", 403),
        ("a name that no token has", here, Some(&other), None, "PUT /v1/engines/engine-7", 401),
        ("no certificate", here, None, None, "PUT /v1/engines/engine-7", 401),
        ("a token beside it counts", here, Some(&own), Some(&*admin), "GET /v1/stats", 200),
        ("a bad one too", here, Some(&own), Some("eh1_x"), "PUT /v1/engines/engine-7", 401),
        ("a proxy's is not its client's", proxy, Some(&own), None, "PUT /v1/engines/engine-7", 401),
        ("a client's token is", proxy, Some(&own), Some(&*admin), "GET /v1/stats", 200),
    ] {
        assert_eq!(status(&server, &ca, from, own, token, line).await, want, "{what}");
    }
    let revoke = format!("DELETE /v1/tokens/{accessor}");
    assert_eq!(status(&server, &ca, here, None, Some(&admin), &revoke).await, 200);
    assert_eq!(status(&server, &ca, here, Some(&own), None, "PUT /v1/engines/engine-7").await, 401);
    server.stop().await;
}
