//! What a user runs into, with the real binary: each refusal says what happened, to which thing, and what to do.

use std::path::Path;
use std::process::Stdio;

use enginehouse_tests::{TestServer, command, output, run, text};

/// Starts a server that is to refuse. Answers its exit status and what it says.
fn refused(data_file: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let store = format!("sqlite://{}", data_file.display());
    let mut serve = command(["serve", "--store", &store]);
    let output = output(serve.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    (output.status.code(), text(&output.stderr))
}

const ANY_PORT: &[&str] = &["--listen", "127.0.0.1:0"];

#[test]
fn a_second_server_on_the_file_is_refused_with_the_name_of_the_holder() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &[]);
    let (status, message) = refused(&data_file, ANY_PORT);
    assert_eq!(status, Some(4), "{message}");
    assert!(message.contains(&format!("{}", server.pid())) && message.contains("enginehouse.db"), "{message}");
    server.kill();
    let again = TestServer::on(&data_file, &[]);
    assert_eq!(again.stop(), Some(0), "a killed server leaves nothing that keeps the next one out");
}

#[test]
fn a_file_of_another_program_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("letter.txt");
    std::fs::write(&data_file, "Dear all,\n").unwrap();
    let (status, message) = refused(&data_file, ANY_PORT);
    assert_eq!(status, Some(2), "{message}");
    assert!(message.contains("not an Enginehouse data file"), "{message}");
    assert_eq!(std::fs::read_to_string(&data_file).unwrap(), "Dear all,\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing was put beside it");
}

#[test]
fn a_file_of_a_newer_version_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    assert_eq!(TestServer::on(&data_file, &[]).stop(), Some(0));
    // The schema's version stands in bytes 60 to 63 of the header (sqlite.org/fileformat.html).
    let mut bytes = std::fs::read(&data_file).unwrap();
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&data_file, &bytes).unwrap();
    let (status, message) = refused(&data_file, ANY_PORT);
    assert_eq!(status, Some(4), "{message}");
    assert!(message.contains("9999") && message.contains("upgrade"), "{message}");
    assert!(std::fs::read(&data_file).unwrap() == bytes);
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, message) = refused(&folder.path().join("enginehouse.db"), &["--listen", &address]);
    assert_eq!(status, Some(4), "{message}");
    assert!(message.contains(&address) && message.contains("--listen"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no store was made for it");
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (status, message) = refused(&folder.path().join("enginehouse.db"), &["--listen", "0.0.0.0:0"]);
    assert_eq!(status, Some(2), "{message}");
    for way_out in ["listen on 127.0.0.1", "--tls-cert", "--insecure-transport", "--insecure if"] {
        assert!(message.contains(way_out), "{way_out}: {message}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no store was made for it");
}

#[test]
fn a_setting_that_cannot_be_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (status, message) = refused(&folder.path().join("enginehouse.db"), &["--max-retries", "lots"]);
    assert_eq!(status, Some(2), "{message}");
    assert!(
        message.contains("max_retries = \"lots\" (from flag --max-retries): must be a number from 0 to 1000"),
        "{message}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_server_that_is_away_is_said_to_be_with_what_to_check() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(&format!("http://{gone}"), ["event", "list"], "");
    assert_eq!(output.status.code(), Some(6));
    let message = text(&output.stderr);
    assert!(message.contains("enginehouse serve") && message.contains("ENGINEHOUSE_URL"), "{message}");
}

#[tokio::test]
async fn a_full_store_refuses_what_would_grow_it_and_everything_else_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &["--max-store-mb", "2", "--log", "off"]);
    let client = server.client();
    let payload = format!("\"{}\"", "x".repeat(100_000));
    let mut accepted = Vec::new();
    let refused = loop {
        let request = enginehouse_api::enqueue::EnqueueRequest {
            event_type: "big".to_owned(),
            payload: Some(enginehouse_core::json::RawJson::trusted(payload.clone())),
            ..Default::default()
        };
        match client.enqueue(&request).await {
            Ok(enqueued) => accepted.push(enqueued.event_id),
            Err(error) => break error,
        }
        assert!(accepted.len() < 50, "the store has a limit");
    };
    assert_eq!(refused.code().map(enginehouse_api::problem::Code::name), Some("store_unavailable"), "{refused}");
    assert!(!refused.maybe_applied(), "nothing was done, and the answer says so: {refused}");
    for event_id in &accepted {
        assert_eq!(client.event(*event_id).await.unwrap().payload.as_str(), payload);
    }
    assert_eq!(server.stop(), Some(0));
    let server = TestServer::on(&data_file, &["--max-store-mb", "20"]);
    let request = enginehouse_api::enqueue::EnqueueRequest { event_type: "small".to_owned(), ..Default::default() };
    server.client().enqueue(&request).await.expect("with more room it goes on");
    let store = format!("sqlite://{}", data_file.display());
    assert!(run(&server.url, ["doctor", "--store", &store], "").status.success());
}

#[test]
fn a_backup_made_while_serving_is_sound_and_can_be_served() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &[]);
    let lines: String = (0..3_000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    assert!(run(&server.url, ["event", "enqueue", "--file", "-", "--event-type", "a"], &lines).status.success());
    let (store, copy) = (format!("sqlite://{}", data_file.display()), folder.path().join("copy.db"));
    let copy_name = copy.display().to_string();
    let made = run(&server.url, ["backup", &copy_name, "--store", &store], "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let again = run(&server.url, ["backup", &copy_name, "--store", &store], "");
    assert_eq!(again.status.code(), Some(4), "a backup overwrites nothing");
    server.kill();
    let restored = TestServer::on(&copy, &[]);
    let listed = run(&restored.url, ["event", "list", "--all", "-q"], "");
    assert_eq!(text(&listed.stdout).lines().count(), 3_000);
}

#[test]
fn doctor_finds_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &[]);
    let lines: String = (0..500).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    assert!(run(&server.url, ["event", "enqueue", "--file", "-", "--event-type", "a"], &lines).status.success());
    assert_eq!(server.stop(), Some(0));
    let store = format!("sqlite://{}", data_file.display());
    assert!(run("http://127.0.0.1:9", ["doctor", "--store", &store], "").status.success());
    let mut bytes = std::fs::read(&data_file).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 2_048].fill(0xa5);
    std::fs::write(&data_file, &bytes).unwrap();
    let found = run("http://127.0.0.1:9", ["doctor", "--store", &store], "");
    assert_eq!(found.status.code(), Some(1), "{}{}", text(&found.stdout), text(&found.stderr));
}
