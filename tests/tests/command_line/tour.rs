//! What the tour for operators says on the command line does what it says.

use std::process::{Command, Stdio};

use enginehouse_api::settle::{SettleOutcome, SettleRequest, Settlement};
use enginehouse_core::ids::EngineId;
use enginehouse_tests::{TestServer, binary, run, text, without_variables};
use serde_json::{Value, json};

const TOUR: &str = include_str!("../../../docs/tour.md");

/// Runs a part of the tour in a shell that ends with the first command that fails. Answers what it printed.
#[track_caller]
fn walk(url: &str, script: &str) -> String {
    let mut shell = Command::new("bash");
    without_variables(&mut shell);
    let folder = binary().parent().expect("it is in a folder").to_owned();
    let output = shell
        .args(["-eo", "pipefail", "-c", script])
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()))
        .env("ENGINEHOUSE_URL", url)
        .env("ENGINEHOUSE_CONTEXT_FILE", "/nonexistent/contexts.toml")
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{script}\n{printed}{said}");
    printed
}

fn shown(url: &str, line: &[&str]) -> Value {
    let output = run(url, line.iter().copied().chain(["-o", "json"]), "");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line:?}: {error}: {}", text(&output.stderr)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_tour_do_its_five_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    let (client, url) = (server.client(), server.url.as_str());
    let engine: EngineId = "worker-4".parse().unwrap();
    let about = json!({ "engine_type": "worker", "heartbeat_interval_seconds": 0, "metadata": { "static_config": {
        "engine_software_version": "1.5.0", "resource_limits": { "max_concurrent_events": 9 } } } });
    client.register(&engine, &serde_json::from_value(about).unwrap()).await.unwrap();
    let enqueue = "for number in 1 2 3 4; do enginehouse event enqueue mail.send; done
        enginehouse event enqueue model.train --capability tpu
        enginehouse event enqueue frame.render --scenario-run-id film-1";
    walk(url, enqueue);
    let asked = serde_json::from_value(json!({ "epoch": 1, "limit": 4, "event_types": ["mail.send"] })).unwrap();
    let claimed = client.claim(&engine, &asked).await.unwrap().events;
    let error = |number: usize| serde_json::from_value(json!({ "message": format!("550 no mailbox 'user{number}'") }));
    let failed = |(number, event): (usize, enginehouse_api::events::Event)| Settlement {
        error: Some(error(number).unwrap()),
        retryable: Some(false),
        dead_letter: Some(true),
        ..Settlement::new(event.event_id, event.lock.unwrap().token.unwrap(), SettleOutcome::Fail)
    };
    let settlements: Vec<_> = claimed.into_iter().enumerate().map(failed).collect();
    assert_eq!(settlements.len(), 4);
    client.settle(&SettleRequest { settlements }).await.unwrap();

    let scripts: Vec<_> = TOUR.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    let [why, redrive, drain, slowest, cancel] = &scripts[..] else { panic!("the tour has five tasks: {scripts:?}") };
    assert!(walk(url, why).contains("no registered engine could ever run it"));
    let redriven = walk(url, redrive);
    assert!(redriven.contains("changed          3 of 3"), "{redriven}");
    walk(url, "enginehouse operation wait $(enginehouse operation list --limit 1 -q)");
    assert_eq!(shown(url, &["stats"])["dead_letters"], 0);
    let drained = walk(url, drain);
    assert!(drained.contains("drain_engines") && drained.matches("changed          1 of 1").count() == 2, "{drained}");
    assert_eq!(shown(url, &["engine", "show", "worker-4"])["status"], "active");
    assert!(walk(url, slowest).starts_with("mail.send takes "));
    assert!(walk(url, cancel).contains("film-1"));
    walk(url, "enginehouse operation wait $(enginehouse operation list --limit 1 -q)");
    assert_eq!(shown(url, &["run", "show", "film-1"])["events"]["cancelled"], 1);
    assert_eq!(server.stop(), Some(0));
}
