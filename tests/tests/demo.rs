//! The demo, small: it proves by itself that every tile completed exactly once. And the fleet that is never done.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use enginehouse_api::engines::EnginesQuery;
use enginehouse_api::explain::BlockedQuery;
use enginehouse_client::Client;
use enginehouse_tests::{command, interrupt, output, text, until};

#[test]
fn the_demo_renders_a_picture_although_an_engine_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("picture.png");
    let output = command(["demo", "--engines", "3", "--tiles", "24", "--exit", "--output"])
        .arg(&picture)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stdout), text(&output.stderr));
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(printed.contains("every tile completed exactly once"), "{printed}");
    assert!(!printed.contains("http"), "the server is gone, so a link would lead nowhere: {printed}");
    let bytes = std::fs::read(&picture).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["picture.png"], "nothing else is left behind");
}

/// Kills the demo if the test fails before it has ended: its server ends with it.
struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[tokio::test]
async fn a_fleet_is_kept_busy_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(["demo", "--fleet", "6"])
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut running = Running(Some(child));
    let mut lines = BufReader::new(stdout).lines();
    let line = lines.next().unwrap().unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let client = Client::new(url).unwrap();
    until("six engines work, something is done, and something is blocked", async || {
        let stats = client.stats().await.ok()?;
        let engines = client.engines(&EnginesQuery::default()).await.ok()?.items;
        let blocked = client.blocked(&BlockedQuery::default()).await.ok()?.items;
        let is_blocked = blocked.iter().any(|lane| lane.event_type.as_str() == "model.train");
        (engines.len() == 6 && stats.events.completed > 5 && stats.events.processing > 0 && is_blocked).then_some(())
    })
    .await;
    let child = running.0.take().unwrap();
    interrupt(&child);
    // So that it never waits for somebody who reads.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    let ended = output(child);
    assert_eq!(ended.status.code(), Some(130), "{}", text(&ended.stderr));
    rest.join().unwrap();
    assert!(client.stats().await.is_err(), "the server outlived the demo");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}
