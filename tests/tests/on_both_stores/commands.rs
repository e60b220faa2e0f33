//! What a user of commands runs into: each refusal says what happened, to which thing, and what to do.

use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, run, text};

#[test]
fn what_is_not_there_is_not_found() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    for arguments in [
        ["engine", "show", "nobody"],
        ["engine", "drain", "nobody"],
        ["event", "show", "0193f2a0-0000-7000-8000-000000000000"],
        ["event", "cancel", "0193f2a0-0000-7000-8000-000000000000"],
        ["dead", "show", "0193f2a0-0000-7000-8000-000000000000"],
    ] {
        let output = run(&server.url, arguments, "");
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_bad_line_is_named_and_stops_the_load_unless_it_is_to_go_on() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let lines = "{\"event_type\":\"a\"}\n{\"event_type\":\"no good\"}\n{\"event_type\":\"b\",\"prioritty\":1}\nnonsense\n{\"event_type\":\"c\"}\n";
    let stopped = run(&server.url, ["event", "enqueue", "--file", "-"], lines);
    let message = text(&stopped.stderr);
    assert_ne!(stopped.status.code(), Some(0), "{message}");
    assert!(message.contains("line 2") && message.contains("line 3") && message.contains("line 4"), "{message}");
    let count = |server: &TestServer| text(&run(&server.url, ["event", "list", "-q"], "").stdout).lines().count();
    assert_eq!(count(&server), 0, "nothing of that chunk is stored");
    let went_on = run(&server.url, ["event", "enqueue", "--file", "-", "--keep-going"], lines);
    let message = text(&went_on.stderr);
    assert_eq!(went_on.status.code(), Some(8), "partly done: {message}");
    assert!(message.contains("line 2") && message.contains("line 3") && message.contains("line 4"), "{message}");
    assert_eq!(count(&server), 2);
    let unreadable = run(&server.url, ["event", "enqueue", "--file", "/nowhere/at/all"], "");
    assert_ne!(unreadable.status.code(), Some(0));
    assert!(text(&unreadable.stderr).contains("/nowhere/at/all"));
}

#[test]
fn a_key_that_is_taken_is_named_by_its_line_and_can_be_released() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let enqueue = |kind: &str| run(&server.url, ["event", "enqueue", kind, "--idempotency-key", "../a b", "-q"], "");
    let first = text(&enqueue("a").stdout);
    let lines =
        "{\"event_type\":\"c\"}\n{\"event_type\":\"b\",\"idempotency_key\":\"../a b\"}\n{\"event_type\":\"d\"}\n";
    let count = || text(&run(&server.url, ["event", "list", "-q"], "").stdout).lines().count();
    for (flags, status, kept) in [(&["-q"][..], 4, 1), (&["--keep-going"][..], 8, 3)] {
        let load = ["event", "enqueue", "--file", "-"].iter().chain(flags);
        let output = run(&server.url, load, lines);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{message}");
        assert!(message.contains("line 2: /idempotency_key") && message.contains(first.trim()), "{message}");
        assert_eq!(count(), kept, "{flags:?}");
    }
    let released = run(&server.url, ["event", "release-key", "../a b"], "");
    assert_eq!(released.status.code(), Some(0), "{}", text(&released.stderr));
    assert!(text(&released.stdout).contains(first.trim()));
    assert_eq!(run(&server.url, ["event", "release-key", "../a b"], "").status.code(), Some(3), "nobody has it");
    let again = run(
        &server.url,
        ["event", "enqueue", "b", "--idempotency-key", "../a b", "--idempotency-window-seconds", "60", "-q"],
        "",
    );
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let shown = text(&run(&server.url, ["event", "show", text(&again.stdout).trim()], "").stdout);
    assert!(shown.contains("../a b until "), "{shown}");
    let history = text(&run(&server.url, ["event", "show", first.trim()], "").stdout);
    assert!(history.contains("release_key"), "{history}");
}

#[test]
fn a_load_can_be_repeated_without_doubling_anything() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let lines: String = (0..2_500).map(|number| format!("{{\"file\":\"f{number}\"}}\n")).collect();
    let load = ["event", "enqueue", "--file", "-", "--event-type", "hash", "--idempotency-key-field", "file"];
    for _ in 0..2 {
        let output = run(&server.url, load, &lines);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let listed = run(&server.url, ["event", "list", "--all", "-q"], "");
    assert_eq!(text(&listed.stdout).lines().count(), 2_500);
}

#[tokio::test]
async fn a_stopping_server_answers_waiting_claims_and_ends_whatever_idle_clients_do() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let client = server.client();
    let idle = std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let request = serde_json::from_str(r#"{"engine_type":"test"}"#).unwrap();
    let engine = client.register_new(&request).await.unwrap();
    let claim = serde_json::from_value(serde_json::json!({ "epoch": engine.epoch, "wait_seconds": 60 })).unwrap();
    let waiting = client.claim(&engine.engine_id, &claim);
    let stopping = async {
        enginehouse_tests::until("the claim waits", async || {
            let stats = server.client().stats().await.unwrap();
            (stats.waiting_claims == 1).then_some(())
        })
        .await;
        tokio::task::spawn_blocking(move || server.stop()).await.unwrap()
    };
    let both = async { tokio::join!(waiting, stopping) };
    let (claimed, status) = tokio::time::timeout(std::time::Duration::from_secs(10), both).await.expect("within 10 s");
    assert!(claimed.unwrap().events.is_empty());
    assert_eq!(status, Some(0));
    drop(idle);
}
