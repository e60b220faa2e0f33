//! A store is moved into a database and back, and the program that does it is killed on the way.

use std::process::{Command, Output, Stdio};

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::RegisterRequest;
use enginehouse_api::settle::CompleteRequest;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{TestServer, command, run, text, until};

const EVENTS: usize = 20_000;

fn copy(from: &str, to: &str) -> Command {
    let mut copy = command(["store", "copy", "--output", "json", "--from", from, "--to", to]);
    copy.stdout(Stdio::piped()).stderr(Stdio::piped());
    copy
}

fn answer(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a document")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_killed_goes_on_and_a_lock_outlives_it() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.db"), folder.path().join("second.db"));
    let database = TestDatabase::new().await;
    let here = format!("sqlite://{}", first.display());
    let there = database.url();

    // Many events, one of which an engine has.
    let server = TestServer::on(&first, &[]);
    let lines: String = (0..EVENTS).map(|number| format!("{{\"number\": {number}}}\n")).collect();
    let enqueued = run(&server.url, ["event", "enqueue", "--event-type", "render", "--file", "-"], &lines);
    assert!(enqueued.status.success(), "{}", text(&enqueued.stderr));
    let client = server.client();
    let engine_id: EngineId = "mover".parse().unwrap();
    let request = RegisterRequest {
        engine_type: "test".to_owned(),
        metadata: Default::default(),
        heartbeat_interval_seconds: Some(60),
        takeover: false,
    };
    let engine = client.register(&engine_id, &request).await.unwrap();
    let claim: ClaimRequest = serde_json::from_value(serde_json::json!({ "epoch": engine.epoch, "limit": 1 })).unwrap();
    let event = client.claim(&engine_id, &claim).await.unwrap().events.remove(0);
    let token = event.lock.and_then(|lock| lock.token).expect("a claimed event has a token");
    server.stop();

    // Killed once some of the events are there.
    let mut copying = copy(&here, &there).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let eye = database.connect().await;
    until("some events are copied", async || {
        let sql = "select 1 from enginehouse.store_copy where table_name = 'events' and last_key is not null";
        // The table is not there at first.
        (!eye.query(sql, &[]).await.ok()?.is_empty()).then_some(())
    })
    .await;
    copying.kill().unwrap();
    assert_eq!(copying.wait().unwrap().code(), None, "it was killed, and had not ended");

    // No server serves a partial copy.
    let refused = command(["serve", "--listen", "127.0.0.1:0", "--durability", "relaxed", "--store", &there]).output();
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("is unfinished"), "{}", text(&refused.stderr));

    let copied = answer(&copy(&here, &there).output().unwrap());
    assert_eq!(copied["resumed"], true, "{copied}");

    // The token that was given out by the one settles in the other.
    let server = TestServer::at(&there, &["--durability", "relaxed"]);
    let request = CompleteRequest { lock_token: token, result: None, report: Default::default() };
    let done = server.client().complete(event.event_id, &request).await.unwrap();
    assert_eq!(done.status, EventStatus::Completed);
    server.stop();

    let back = format!("sqlite://{}", second.display());
    let copied = answer(&copy(&there, &back).output().unwrap());
    assert_eq!((&copied["resumed"], &copied["tables"][2]["rows"]), (&false.into(), &EVENTS.into()), "{copied}");
    let sound = command(["doctor", "--store", &back, "--output", "json"]).output().unwrap();
    let counts = &answer(&sound)["events"];
    assert_eq!((&counts["queued"], &counts["completed"]), (&(EVENTS - 1).into(), &1.into()), "{counts}");
}
