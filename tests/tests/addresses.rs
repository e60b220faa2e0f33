//! Where a server may be, as a command is told: near, behind a proxy with TLS and a token, or nowhere.

use std::process::Output;

use enginehouse_core::event::EventStatus;
use enginehouse_tests::engine_run::{EngineRunFixture, stop};
use enginehouse_tests::test_store::StoreKind;
use enginehouse_tests::tls_proxy::TlsProxy;
use enginehouse_tests::{command, text};

const TOKEN: &str = "s3cret-Token";

fn listed(url: &str, set_up: impl FnOnce(&mut std::process::Command)) -> Output {
    let mut list = command(["event", "list", "-q", "--url", url]);
    set_up(&mut list);
    list.output().unwrap()
}

#[tokio::test]
async fn an_address_may_be_written_in_short() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let port = fixture.server.url.rsplit_once(':').unwrap().1;
    for url in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!(":{port}"),
        format!("http://localhost:{port}/"),
    ] {
        let output = listed(&url, |_| {});
        assert!(output.status.success(), "{url}: {}", text(&output.stderr));
    }
    let output = listed(&format!("{}/v1", fixture.server.url), |_| {});
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains(&format!("leave out /v1 and what follows: the server is at {}", fixture.server.url)),
        "{message}"
    );
    let output = listed("https://operator:s3cret@localhost/", |_| {});
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output.stderr).contains("s3cret"), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_with_tls_and_a_token_may_stand_before_the_server() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let proxy = TlsProxy::before(&fixture.server.url, TOKEN, folder.path()).await;
    let trusting = |list: &mut std::process::Command| {
        list.env("SSL_CERT_FILE", &proxy.certificate);
    };
    let output = listed(&proxy.url, |list| {
        trusting(list);
        list.env("ENGINEHOUSE_TOKEN", TOKEN);
    });
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = listed(&proxy.url, trusting);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("ENGINEHOUSE_TOKEN"), "{}", text(&output.stderr));
    let output = listed(&proxy.url, |list| {
        trusting(list);
        list.env("ENGINEHOUSE_TOKEN", "two words");
    });
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output.stderr).contains("two words"), "{}", text(&output.stderr));
    let output = listed(&proxy.url, |_| {});
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("ENGINEHOUSE_TLS_CA"), "{}", text(&output.stderr));
    // An engine does all its calls through the proxy, and keeps the token to itself.
    fixture.enqueue("{}\n", &["--event-type", "work"]);
    let mut run = command(["engine", "run", "--event-type", "work", "--url", &proxy.url]);
    run.args(["--", "sh", "-c", "echo ${ENGINEHOUSE_TOKEN-none} $ENGINEHOUSE_URL"]);
    run.env("ENGINEHOUSE_TOKEN", TOKEN);
    trusting(&mut run);
    let engine = fixture.started(run);
    let event = fixture.until_all(EventStatus::Completed).await.remove(0);
    assert_eq!(event.result.unwrap().as_str(), format!("\"none {}\"", proxy.url));
    assert_eq!(stop(engine), Some(0));
}
