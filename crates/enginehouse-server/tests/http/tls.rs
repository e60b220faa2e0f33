//! Calls over TLS: who is answered, with which certificate, and who is kept waiting by nobody.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_server::server::{BindError, Listener, ServerConfig, TlsFiles};
use rcgen::CertificateParams;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::TestCa;
use crate::running_server::{LIMIT, RunningServer, read_answer, read_to_end, request, start};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
pub(crate) const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS13, &TLS12];

fn server_files(ca: &TestCa) -> TlsFiles {
    let (cert, key) = ca.server_files();
    TlsFiles { cert, key, client_ca: None }
}

/// A server that speaks TLS.
pub(crate) async fn start_tls(ca: &TestCa, change: impl FnOnce(&mut ServerConfig)) -> RunningServer {
    let server = start(|config| {
        config.tls = Some(server_files(ca));
        config.tls_look_interval = Duration::from_millis(20);
        change(config);
    });
    let mut server = server.await;
    server.speak_tls(ca.client(BOTH, None));
    server
}

async fn connect(server: &RunningServer, config: ClientConfig) -> TlsStream<TcpStream> {
    let stream = server.connect("").await;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await.unwrap()
}

async fn call(server: &RunningServer, ca: &TestCa, request: &str) -> String {
    let mut stream = connect(server, ca.client(BOTH, None)).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    read_answer(&mut stream).await
}

/// The certificate that a new connection is served with.
async fn served_with(server: &RunningServer, ca: &TestCa) -> Vec<u8> {
    let stream = connect(server, ca.client(BOTH, None)).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn calls_are_answered_over_both_versions_of_tls() {
    let ca = TestCa::new();
    let server = start_tls(&ca, |_| {}).await;
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut stream = connect(&server, ca.client(&[version], None)).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(name));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        for _ in 0..2 {
            stream.write_all(HEALTH.as_bytes()).await.unwrap();
            assert!(read_answer(&mut stream).await.ends_with("{\"status\":\"alive\"}\n"));
        }
    }
    // Far more than a record, both ways.
    let payload = "x".repeat(200_000);
    let enqueued =
        call(&server, &ca, &request("POST /v1/events", &format!(r#"{{"event_type":"a","payload":"{payload}"}}"#)))
            .await;
    let id = enqueued.split_once(r#""event_id":""#).unwrap().1.split('"').next().unwrap();
    assert!(call(&server, &ca, &request(&format!("GET /v1/events/{id}"), "")).await.contains(&payload));
    // A page of its own may change something; one under http:// is another site.
    for (scheme, status) in [("https", "405"), ("http", "403")] {
        let head = format!("POST /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: {scheme}://localhost\r\n\r\n");
        assert_eq!(&call(&server, &ca, &head).await[9..12], status, "{scheme}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_speaks_plain_http_to_tls_is_told_so() {
    let ca = TestCa::new();
    let server = start_tls(&ca, |_| {}).await;
    let answer = read_to_end(server.connect(HEALTH).await).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("call it by https://"), "{answer}");
    server.until("enginehouse_tls_handshakes_failed_total", |failed| failed == 1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart_and_a_bad_one_never() {
    let ca = TestCa::new();
    let server = start_tls(&ca, |_| {}).await;
    let first = served_with(&server, &ca).await;
    let mut open = connect(&server, ca.client(BOTH, None)).await;
    assert!(server.metric("enginehouse_tls_certificate_expires_timestamp_seconds").await > 1_800_000_000);
    ca.server_files();
    server.until("enginehouse_tls_reloads_total", |reloads| reloads == 1).await;
    let second = served_with(&server, &ca).await;
    assert_ne!(first, second);
    let (other, other_key) = ca.sign(CertificateParams::new(vec!["localhost".to_owned()]).unwrap());
    let good = std::fs::read_to_string(ca.path().join("server.pem")).unwrap();
    for (file, text) in [("server.pem", "no certificate"), ("server.pem", other.as_str()), ("server.pem", "")] {
        ca.write(file, text);
        server.until("enginehouse_tls_reload_failed", |failed| failed == 1).await;
        assert_eq!(served_with(&server, &ca).await, second, "{text:?}");
        ca.write("server.pem", &good);
        server.until("enginehouse_tls_reload_failed", |failed| failed == 0).await;
    }
    // The key comes after its certificate, and is read with it.
    ca.write("server.pem", &other);
    ca.write("server.key", &other_key);
    server.until("enginehouse_tls_reloads_total", |reloads| reloads == 2).await;
    assert_ne!(served_with(&server, &ca).await, second);
    // Who was connected before goes on.
    open.write_all(HEALTH.as_bytes()).await.unwrap();
    assert!(read_answer(&mut open).await.starts_with("HTTP/1.1 200"));
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_keeps_nobody_waiting_and_is_closed_in_time() {
    let ca = TestCa::new();
    let server = start_tls(&ca, |config| {
        config.limits.max_connections = 16;
        config.header_timeout = Duration::from_secs(4);
    })
    .await;
    // The head of a record that promises more, from addresses enough to take all connections that there are.
    let mut stalled = Vec::new();
    for number in 0..40 {
        let stream = server.connect_from([127, 0, 0, 20 + number % 20], "\u{16}\u{3}\u{1}\u{2}").await;
        stalled.push(stream);
    }
    let answered = tokio::time::timeout(Duration::from_secs(3), call(&server, &ca, HEALTH)).await;
    assert!(answered.expect("nobody is kept waiting").starts_with("HTTP/1.1 200"));
    for mut stream in stalled {
        let closed = tokio::time::timeout(LIMIT, stream.read_u8()).await.expect("it is closed in time");
        assert!(closed.is_err());
    }
    server.until("enginehouse_tls_handshakes_failed_total", |failed| failed >= 40).await;
    server.stop().await;
}

#[tokio::test]
async fn a_claim_that_waits_over_tls_is_woken_goes_on_and_ends_with_its_client() {
    let ca = TestCa::new();
    let server = start_tls(&ca, |_| {}).await;
    assert!(call(&server, &ca, &request("PUT /v1/engines/e", r#"{"engine_type":"t"}"#)).await.contains("201"));
    let claim = request("POST /v1/engines/e/claim", r#"{"epoch":1,"wait_seconds":60}"#);
    let mut stream = connect(&server, ca.client(BOTH, None)).await;
    stream.write_all(claim.as_bytes()).await.unwrap();
    server.until("enginehouse_waiting_claims", |claims| claims == 1).await;
    // What comes while it waits is read after it.
    stream.write_all(HEALTH.as_bytes()).await.unwrap();
    call(&server, &ca, &request("POST /v1/events", r#"{"event_type":"a"}"#)).await;
    let answer = read_answer(&mut stream).await;
    assert!(answer.contains(r#""token":"#), "{answer}");
    let answer = match answer.contains("alive") {
        true => answer,
        false => read_answer(&mut stream).await,
    };
    assert!(answer.ends_with("{\"status\":\"alive\"}\n"), "{answer}");
    stream.write_all(claim.as_bytes()).await.unwrap();
    server.until("enginehouse_waiting_claims", |claims| claims == 1).await;
    // It says farewell, which is no request.
    stream.shutdown().await.unwrap();
    drop(stream);
    server.until("enginehouse_waiting_claims", |claims| claims == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn files_that_are_no_good_are_refused_at_the_start() {
    let ca = TestCa::new();
    let files = server_files(&ca);
    let other = ca.write("other.key", &ca.sign(CertificateParams::new(Vec::new()).unwrap()).1);
    let (none, no_pem) = (ca.path().join("none"), ca.write("no.pem", "nothing"));
    let open = ca.path().join("open.key");
    std::fs::copy(&files.key, &open).unwrap();
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    for (cert, key, want) in [
        (&none, &files.key, "none (tls_cert) cannot be read"),
        (&no_pem, &files.key, "no.pem (tls_cert) holds no certificate in PEM"),
        (&files.cert, &no_pem, "no.pem (tls_key) holds no private key in PEM"),
        (&files.cert, &open, "open.key (tls_key) may be read by others"),
        (&files.cert, &other, "do not fit"),
    ] {
        let tls = Some(TlsFiles { cert: cert.clone(), key: key.clone(), client_ca: None });
        let config = ServerConfig { tls, ..ServerConfig::on(([127, 0, 0, 1], 0).into()) };
        let Err(BindError::Tls(error)) = Listener::bind(config).await else { panic!("{want}") };
        assert!(error.to_string().contains(want), "{error}");
    }
}

#[tokio::test]
async fn a_client_may_have_a_certificate_but_no_other_than_one_of_its_ca() {
    let ca = TestCa::new();
    let clients = TestCa::new();
    let server = start_tls(&ca, |config| {
        config.tls.as_mut().unwrap().client_ca = Some(clients.ca_file());
    })
    .await;
    let named = |name: &str| CertificateParams::new(vec![name.to_owned()]).unwrap();
    let good = clients.sign(named("engine-7.example"));
    let stranger = TestCa::new().sign(named("engine-7.example"));
    let mut nameless = CertificateParams::new(Vec::new()).unwrap();
    nameless.distinguished_name = rcgen::DistinguishedName::new();
    let nameless = clients.sign(nameless);
    let mut expired = named("engine-7.example");
    (expired.not_before, expired.not_after) = (rcgen::date_time_ymd(2001, 1, 1), rcgen::date_time_ymd(2002, 1, 1));
    let expired = clients.sign(expired);
    for version in BOTH {
        for (own, is_served, what) in [
            (None, true, "without one"),
            (Some(&good), true, "with a good one"),
            (Some(&stranger), false, "of another CA"),
            (Some(&nameless), false, "without a name"),
            (Some(&expired), false, "expired"),
        ] {
            let connector = TlsConnector::from(Arc::new(ca.client(&[version], own.cloned())));
            let asked = async {
                let stream = server.connect("").await;
                let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.ok()?;
                stream.write_all(HEALTH.as_bytes()).await.ok()?;
                let mut answer = [0; 12];
                stream.read_exact(&mut answer).await.ok()?;
                Some(answer)
            };
            assert_eq!(asked.await.is_some(), is_served, "{what}");
        }
    }
    server.stop().await;
}
