//! Tokens, as people have them: made with the store, used by commands and engines, rotated, revoked.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::problem::Code;
use enginehouse_client::{BearerToken, Client, ClientConfig};
use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{LIMIT, TestServer, command, text, until};
use futures_util::future::join_all;

/// Makes a token in the store itself. Answers its text.
#[track_caller]
fn made(store: &str, arguments: &[&str]) -> String {
    let mut create = command([&["token", "create"], arguments, &["--store", store, "-q"]].concat());
    let output = create.env("ENGINEHOUSE_DURABILITY", "relaxed").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

fn at(url: &str, arguments: &[&str]) -> Command {
    command([arguments, &["--url", url]].concat())
}

/// A client with a token.
fn client(url: &str, token: &str) -> Client {
    let config = ClientConfig { token: Some(BearerToken::new(token).unwrap()), ..ClientConfig::default() };
    Client::with_config(url, config).unwrap()
}

fn with(url: &str, token: &str, arguments: &[&str]) -> Output {
    at(url, arguments).env("ENGINEHOUSE_TOKEN", token).output().unwrap()
}

#[track_caller]
fn exit_of(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{}", text(&output.stderr)))
}

fn keep(file: &Path, text: &str, mode: u32) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn the_first_token_closes_the_house_to_whoever_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("house.db");
    let store = format!("sqlite://{}", data_file.display());
    let server = TestServer::on(&data_file, &[]);
    let open = at(&server.url, &["stats"]).output().unwrap();
    assert_eq!(exit_of(&open), 0, "{}", text(&open.stderr));
    let by_call = at(&server.url, &["token", "create", "root", "--role", "admin"]).output().unwrap();
    assert_eq!(exit_of(&by_call), 5, "{}", text(&by_call.stderr));
    let in_use = command(["token", "create", "root", "--role", "admin", "--store", &store]).output().unwrap();
    assert_eq!(exit_of(&in_use), 4, "{}", text(&in_use.stderr));
    assert_eq!(server.stop(), Some(0));

    let root = made(&store, &["root", "--role", "admin"]);
    let server = TestServer::on(&data_file, &["--log-requests"]);
    let without = at(&server.url, &["stats"]).output().unwrap();
    let said = text(&without.stderr);
    assert!(exit_of(&without) == 5 && said.contains("ENGINEHOUSE_TOKEN_FILE"), "{said}");
    assert_eq!(exit_of(&with(&server.url, &root, &["stats"])), 0);
    let viewer = with(&server.url, &root, &["token", "create", "looks", "--role", "viewer", "-q"]);
    let viewer = text(&viewer.stdout).trim().to_owned();
    let refused = with(&server.url, &viewer, &["queue", "pause", "default"]);
    assert!(text(&refused.stderr).contains("settings:pause"), "{}", text(&refused.stderr));

    // A file that everybody may read is none to keep a secret in.
    let file = folder.path().join("token");
    for (mode, exit) in [(0o600, 0), (0o640, 0), (0o644, 2)] {
        keep(&file, &format!("{viewer}\n"), mode);
        let list = at(&server.url, &["event", "list"]).env("ENGINEHOUSE_TOKEN_FILE", &file).output().unwrap();
        assert_eq!(exit_of(&list), exit, "{mode:o} {}", text(&list.stderr));
        assert!(!text(&list.stderr).contains(&viewer[17..60]), "{}", text(&list.stderr));
    }
    let listed = with(&server.url, &root, &["token", "list", "-o", "json"]);
    let said = text(&listed.stdout);
    assert!(said.contains("\"looks\"") && !said.contains(&viewer[17..60]), "{said}");
    let revoked = with(&server.url, &root, &["token", "revoke", "looks", "--yes"]);
    assert_eq!(exit_of(&revoked), 0, "{}", text(&revoked.stderr));
    assert_eq!(exit_of(&with(&server.url, &viewer, &["event", "list"])), 5);
    assert_eq!(server.stop(), Some(0));
    // Offline, too: and what is revoked opens nothing.
    let rotated = command(["token", "rotate", "root", "--overlap", "0s", "--store", &store, "-q"]).output().unwrap();
    let next = text(&rotated.stdout).trim().to_owned();
    let server = TestServer::on(&data_file, &[]);
    assert_eq!(exit_of(&with(&server.url, &root, &["stats"])), 5);
    assert_eq!(exit_of(&with(&server.url, &next, &["stats"])), 0);
    assert_eq!(server.stop(), Some(0));
}

/// Each of two servers refuses it within a second; a machine that is busy with other tests is given ten.
#[tokio::test]
async fn a_token_that_one_server_revokes_is_refused_by_the_other() {
    let database = TestDatabase::new().await;
    let store = database.url();
    let root = made(&store, &["root", "--role", "admin"]);
    let viewer = made(&store, &["looks", "--role", "viewer"]);
    let servers = [0, 1].map(|_| TestServer::at(&store, &["--durability", "relaxed"]));
    for server in &servers {
        assert_eq!(exit_of(&with(&server.url, &viewer, &["stats"])), 0);
    }
    let revoked = with(&servers[0].url, &root, &["token", "revoke", "looks", "--yes"]);
    assert_eq!(exit_of(&revoked), 0, "{}", text(&revoked.stderr));
    assert_eq!(exit_of(&with(&servers[0].url, &viewer, &["stats"])), 5, "the one that has revoked it knows");
    until("the other server refuses it", async || {
        (exit_of(&with(&servers[1].url, &viewer, &["stats"])) == 5).then_some(())
    })
    .await;
    for server in servers {
        assert_eq!(server.stop(), Some(0));
    }
}

/// Callers that never stop asking are refused by both servers, each by its next call; nobody's claim that waits outlives it.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_under_load_ends_every_call_of_its_holders() {
    let database = TestDatabase::new().await;
    let store = database.url();
    let root = made(&store, &["root", "--role", "admin"]);
    let fleet = made(&store, &["fleet", "--role", "producer"]);
    let servers = [0, 1].map(|_| TestServer::at(&store, &["--durability", "relaxed"]));
    let answered = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..16)
        .map(|number| {
            let client = client(&servers[number % 2].url, &fleet);
            let answered = Arc::clone(&answered[number % 2]);
            tokio::spawn(async move {
                let request: EnqueueRequest = serde_json::from_str(r#"{"event_type":"work"}"#).unwrap();
                loop {
                    match client.enqueue(&request).await {
                        Ok(_) => _ = answered.fetch_add(1, Ordering::Relaxed),
                        Err(error) => return error,
                    }
                }
            })
        })
        .collect();
    for answered in &answered {
        until("calls are answered", async || (answered.load(Ordering::Relaxed) > 50).then_some(())).await;
    }
    let revoked = with(&servers[0].url, &root, &["token", "revoke", "fleet", "--yes"]);
    assert_eq!(exit_of(&revoked), 0, "{}", text(&revoked.stderr));
    let ended = tokio::time::timeout(LIMIT, join_all(callers)).await.expect("they are refused in time");
    for error in ended {
        assert_eq!(error.unwrap().code(), Some(Code::Unauthenticated));
    }
    for server in servers {
        assert_eq!(server.stop(), Some(0));
    }
}

#[tokio::test]
async fn a_token_for_some_addresses_and_one_that_certificates_open_are_made_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("house.db").display());
    let create = |arguments: &[&str]| {
        let mut create = command([&["token", "create"], arguments, &["--store", &store]].concat());
        create.env("ENGINEHOUSE_DURABILITY", "relaxed").output().unwrap()
    };
    let bound =
        create(&["ci", "--role", "producer", "--allowed-address", "10.0.0.0/8", "--allowed-address", "192.0.2.7"]);
    let shown = text(&bound.stdout);
    assert!(exit_of(&bound) == 0 && shown.contains("10.0.0.0/8 192.0.2.7"), "{shown} {}", text(&bound.stderr));
    let wrong = create(&["other", "--role", "producer", "--allowed-address", "10.0.0.1/8"]);
    let message = text(&wrong.stderr);
    assert!(exit_of(&wrong) == 2 && message.contains("must be 10.0.0.0/8"), "{message}");
    let named = ["engine-7", "--role", "engine", "--certificate-name", "spiffe://example.org/engine-7"];
    let certificate = create(&[&named[..], &["-o", "json"]].concat());
    let answer: serde_json::Value = serde_json::from_slice(&certificate.stdout).unwrap();
    assert!(answer["token"].is_null(), "{answer}");
    assert_eq!(answer["kept"]["certificate_name"], "spiffe://example.org/engine-7");
    assert!(!text(&certificate.stderr).contains("shown this once"), "{}", text(&certificate.stderr));
    let twice = create(&["again", "--role", "engine", "--certificate-name", "spiffe://example.org/engine-7"]);
    assert!(
        exit_of(&twice) != 0
            && text(&twice.stderr).contains("is opened by certificates of spiffe://example.org/engine-7")
    );
}
