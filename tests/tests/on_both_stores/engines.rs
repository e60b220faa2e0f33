//! `engine run`: any program is an engine, and its crash costs nothing but its own attempt.

use std::process::Stdio;

use enginehouse_core::event::EventStatus;
use enginehouse_tests::engine_run::{EngineRunFixture, stop};
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{command, terminate, until};

#[tokio::test]
async fn a_command_gets_the_payload_and_its_json_is_the_result() {
    let fixture = EngineRunFixture::on(crate::STORE);
    let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let about = ["--event-type", "echo", "--scenario-run-id", "run-1", "--traceparent", span];
    fixture.enqueue("{\"n\":1}\n", &about);
    let script = r#"read payload; printf '{"payload":%s,"type":"%s","attempt":%s,"run":"%s","span":"%s","id":"%s"}' \
        "$payload" "$ENGINEHOUSE_EVENT_TYPE" "$ENGINEHOUSE_ATTEMPT" "$ENGINEHOUSE_SCENARIO_RUN_ID" "$TRACEPARENT" "$ENGINEHOUSE_EVENT_ID""#;
    let engine = fixture.engine("e", &["--event-type", "echo"], script);
    let event = fixture.until_all(EventStatus::Completed).await.remove(0);
    assert_eq!(
        event.result.unwrap().as_str(),
        format!(
            r#"{{"payload":{{"n":1}},"type":"echo","attempt":1,"run":"run-1","span":"{span}","id":"{}"}}"#,
            event.event_id
        )
    );
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn status_65_fails_for_good_and_any_other_is_tried_again_with_the_end_of_stderr_as_the_error() {
    let fixture = EngineRunFixture::on(crate::STORE);
    fixture.enqueue("{}\n", &["--event-type", "rejected"]);
    fixture.enqueue("{}\n", &["--event-type", "broken"]);
    let script = r#"echo "could not open $ENGINEHOUSE_EVENT_TYPE" >&2; [ "$ENGINEHOUSE_EVENT_TYPE" = rejected ] && exit 65; exit 7"#;
    let engine = fixture.engine("e", &["--event-type", "rejected", "--event-type", "broken"], script);
    let events = until("both have failed once", async || {
        let events = fixture.events().await;
        events.iter().all(|event| event.failures == 1).then_some(events)
    })
    .await;
    for event in events {
        let (want, message) = match event.event_type.as_str() {
            "rejected" => (EventStatus::Failed, "could not open rejected"),
            _ => (EventStatus::Queued, "could not open broken"),
        };
        assert_eq!(event.status, want, "{}", event.event_type);
        assert!(event.last_error.unwrap().message.contains(message));
    }
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn when_an_engine_is_killed_another_one_finishes_its_work() {
    let fixture = EngineRunFixture::on(crate::STORE);
    let lines: String = (0..60).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    fixture.enqueue(&lines, &["--event-type", "work"]);
    let flags = ["--event-type", "work", "--max-concurrent", "4", "--heartbeat-interval-seconds", "1"];
    // The first one never finishes anything.
    let mut doomed = fixture.engine("doomed", &flags, "cat > /dev/null; exec sleep 1000");
    until("the doomed engine holds locks", async || {
        let held = fixture.events().await.iter().filter(|event| event.status == EventStatus::Processing).count();
        (held == 4).then_some(())
    })
    .await;
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    let healthy = fixture.engine("healthy", &flags, "cat");
    let events = fixture.until_all(EventStatus::Completed).await;
    assert_eq!(events.len(), 60);
    assert_eq!(events.iter().filter(|event| event.losses == 1).count(), 4);
    for event in &events {
        assert_eq!(event.result.as_ref().unwrap().as_str(), event.payload.as_str());
    }
    assert_eq!(stop(healthy), Some(0));
}

#[tokio::test]
async fn a_stopping_engine_finishes_what_it_holds() {
    let fixture = EngineRunFixture::on(crate::STORE);
    let gate = tempfile::tempdir().unwrap();
    let (started, go) = (gate.path().join("started"), gate.path().join("go"));
    fixture.enqueue("{}\n", &["--event-type", "slow"]);
    let script =
        format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.05; done; echo 1", started.display(), go.display());
    let engine = fixture.engine("e", &["--event-type", "slow"], &script);
    // An event whose claim is not answered yet is `processing` too, and would be released.
    until("the command has started", async || started.exists().then_some(())).await;
    terminate(&engine);
    until("the engine drains", async || {
        let engines = fixture.server.client().engines(&Default::default()).await.unwrap().items;
        (engines[0].status.name() != "active").then_some(())
    })
    .await;
    std::fs::write(&go, "").unwrap();
    let mut engine = engine;
    assert_eq!(engine.wait().unwrap().code(), Some(0));
    assert_eq!(fixture.events().await[0].status, EventStatus::Completed);
}

#[tokio::test]
async fn a_command_whose_event_is_cancelled_is_stopped() {
    let fixture = EngineRunFixture::on(crate::STORE);
    fixture.enqueue("{}\n", &["--event-type", "endless"]);
    let flags = ["--event-type", "endless", "--heartbeat-interval-seconds", "1"];
    let engine = fixture.engine("e", &flags, "exec sleep 1000");
    let event = fixture.until_all(EventStatus::Processing).await.remove(0);
    fixture.server.client().cancel(event.event_id, Default::default()).await.unwrap();
    fixture.until_all(EventStatus::Cancelled).await;
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn an_engine_outlives_a_restart_of_the_server() {
    let store = TestStore::on(crate::STORE);
    let first = store.serve(&["--log", "error"]);
    let address = first.url.trim_start_matches("http://").to_owned();
    let url = first.url.clone();
    let mut engine = command(["engine", "run", "--engine-id", "e", "--event-type", "work", "--", "cat"])
        .env("ENGINEHOUSE_URL", &url)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let client = first.client();
    until("the engine is there", async || {
        (!client.engines(&Default::default()).await.unwrap().items.is_empty()).then_some(())
    })
    .await;
    first.kill();
    let second = store.serve(&["--listen", &address, "--log", "error"]);
    let event = until("the server is back", async || {
        let request = serde_json::from_str(r#"{"event_type":"work","payload":[1]}"#).unwrap();
        client.enqueue(&request).await.ok()
    })
    .await;
    until("the engine has worked", async || {
        let event = client.event(event.event_id).await.ok()?;
        (event.status == EventStatus::Completed).then_some(())
    })
    .await;
    terminate(&engine);
    assert_eq!(engine.wait().unwrap().code(), Some(0));
    assert_eq!(second.stop(), Some(0));
}
