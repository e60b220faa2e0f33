//! The server and the commands over TLS, as somebody who has a CA of their own uses them.

#[path = "../../crates/enginehouse-server/tests/http/certificates.rs"]
mod certificates;

use std::fs;
use std::path::Path;
use std::process::Output;

use enginehouse_tests::{TestServer, command, terminate, text, until};

use crate::certificates::TestCa;

/// A server that speaks TLS, with its log in a file.
fn serve(ca: &TestCa, flags: &[&str]) -> TestServer {
    let (cert, key) = ca.server_files();
    let mut serve = command(["serve", "--log", "info"]);
    serve.stderr(fs::File::create(ca.path().join("log")).unwrap());
    serve.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key);
    TestServer::with(serve, &format!("sqlite://{}", ca.path().join("enginehouse.db").display()), flags)
}

/// Runs a command that trusts nobody but the CAs of this file, if any.
fn called(url: &str, arguments: &[&str], tls_ca: Option<&Path>) -> Output {
    let mut command = command(arguments);
    command.env("ENGINEHOUSE_URL", url).env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    if let Some(file) = tls_ca {
        command.arg("--tls-ca").arg(file);
    }
    command.output().unwrap()
}

#[tokio::test]
async fn commands_and_engines_call_a_server_whose_ca_they_are_given() {
    let ca = TestCa::new();
    let server = serve(&ca, &[]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let ca_file = ca.ca_file();
    let output = called(&server.url, &["event", "enqueue", "work"], Some(&ca_file));
    assert!(output.status.success(), "{}", text(&output.stderr));
    // A command that an engine runs finds the server and trusts it, too, wherever it works.
    let mut run = command(["engine", "run", "--event-type", "work"]);
    run.env("ENGINEHOUSE_URL", &server.url).env("ENGINEHOUSE_TLS_CA", "ca.pem").current_dir(ca.path());
    run.arg("--").arg("sh").args(["-c", "cd / && exec \"$0\" event show -o json $ENGINEHOUSE_EVENT_ID"]);
    run.arg(enginehouse_tests::binary());
    let mut engine = run.spawn().unwrap();
    let list = until("the event is completed", async || {
        let output = called(&server.url, &["event", "list", "-o", "json", "--status", "completed"], Some(&ca_file));
        let list = text(&output.stdout);
        list.contains("completed").then_some(list)
    });
    let list = list.await;
    assert!(list.contains("processing_by_"), "what the command was shown is the result: {list}");
    terminate(&engine);
    assert!(engine.wait().unwrap().success());

    for (url, tls_ca, status, want) in [
        (server.url.clone(), None, 2, "--tls-ca"),
        (server.url.clone(), Some("server.pem"), 6, "--tls-ca"),
        (server.url.clone(), Some("none.pem"), 2, "none.pem (CAs to trust) cannot be read"),
        (server.url.replace("https", "http"), Some("ca.pem"), 2, "call it by https://"),
    ] {
        let file = tls_ca.map(|name| ca.path().join(name));
        let output = called(&url, &["stats"], file.as_deref());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{url} {tls_ca:?}: {message}");
        assert!(message.contains(want), "{want}: {message}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn a_certificate_that_is_renewed_is_served_and_one_that_is_bad_is_told_of() {
    let ca = TestCa::new();
    let server = serve(&ca, &[]);
    let ca_file = ca.ca_file();
    let log = || fs::read_to_string(ca.path().join("log")).unwrap();
    ca.write("server.pem", "nothing");
    until("the bad one is told of", async || log().contains("the new certificate cannot be used").then_some(())).await;
    assert!(log().contains("server.pem (tls_cert) holds no certificate in PEM"), "{}", log());
    let works = || called(&server.url, &["stats"], Some(&ca_file));
    assert!(works().status.success());
    // Another CA takes over.
    let other = TestCa::new();
    let (cert, key) = other.server_files();
    ca.write("server.key", &fs::read_to_string(key).unwrap());
    ca.write("server.pem", &fs::read_to_string(cert).unwrap());
    until("the new one is served", async || log().contains("the certificate was read again").then_some(())).await;
    assert_eq!(works().status.code(), Some(6), "its CA is another one");
    let other_ca = other.ca_file();
    let output = called(&server.url, &["stats"], Some(&other_ca));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_off_loopback_with_tls_alone_is_refused() {
    let ca = TestCa::new();
    let (cert, key) = ca.server_files();
    let mut serve = command(["serve", "--listen", "0.0.0.0:0", "--store"]);
    serve.arg(format!("sqlite://{}", ca.path().join("enginehouse.db").display()));
    let output = serve.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key).output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("nobody has to show a token") && message.contains("--insecure"), "{message}");
}

#[test]
fn a_token_that_goes_unencrypted_to_another_machine_is_warned_about_once() {
    // Nobody is there, and nobody is asked for the name.
    for (url, warnings) in [("http://192.0.2.1:1", 1), ("https://192.0.2.1:1", 0), ("http://127.0.0.1:1", 0)] {
        let mut enqueue = command(["event", "enqueue", "--url", url, "--file", "/nonexistent"]);
        enqueue.env("ENGINEHOUSE_TOKEN", "s3cret");
        let message = text(&enqueue.output().unwrap().stderr);
        assert_eq!(message.matches("the token is sent unencrypted").count(), warnings, "{url}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[tokio::test]
async fn the_certificate_of_a_client_names_it_in_the_log_and_commands_have_one() {
    let (ca, clients) = (TestCa::new(), TestCa::new());
    let client_ca = clients.ca_file();
    let server =
        serve(&ca, &["--log-requests", "--log-format", "json", "--tls-client-ca", client_ca.to_str().unwrap()]);
    let mut engine = rcgen::CertificateParams::new(Vec::new()).unwrap();
    engine.subject_alt_names.push(rcgen::SanType::URI("spiffe://house/engine-7".try_into().unwrap()));
    let (cert, key) = clients.sign(engine);
    let (cert, key) = (clients.write("engine.pem", &cert), clients.write("engine.key", &key));
    for has_one in [false, true] {
        let mut stats = command(["stats", "--url", &server.url, "--tls-ca"]);
        stats.arg(ca.ca_file());
        if has_one {
            stats.arg("--client-cert").arg(&cert).arg("--client-key").arg(&key);
        }
        let output = stats.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let mut half = command(["stats", "--url", &server.url, "--client-cert"]);
    let output = half.arg(&cert).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--client-cert and --client-key go together"), "{}", text(&output.stderr));
    assert_eq!(server.stop(), Some(0));
    let log = fs::read_to_string(ca.path().join("log")).unwrap();
    let principals: Vec<_> =
        log.lines().filter_map(|line| line.split_once(r#""principal":""#)?.1.split('"').next()).collect();
    assert_eq!(principals, ["anonymous", "spiffe://house/engine-7"]);
}
