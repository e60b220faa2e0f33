//! Operations: looked at first, then followed to their end.

use enginehouse_tests::terminal::OnTerminal;
use enginehouse_tests::{run, text};
use serde_json::Value;

use super::given::Given;

fn document(url: &str, arguments: &[&str]) -> Value {
    let output = run(url, arguments.iter().chain(&["-o", "json"]), "");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

const REDRIVE: [&str; 6] = ["operation", "create", "--action", "redrive_dead_letters", "--filter", "type:mail.send"];

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_shown_asked_about_and_waited_for() {
    let given = Given::new().await;
    let ids = given.dead_letters(3).await;
    let url = &given.server.url;
    let looked = document(url, &["operation", "preview", "--action", "discard_dead_letters", "--all", "--limit", "2"]);
    assert_eq!((&looked["effect"], &looked["count"]), (&"Discards 2 dead letters".into(), &2.into()));
    // Off a terminal nobody can be asked, but it is shown.
    let refused = run(url, REDRIVE, "");
    let shown = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(9), "{shown}");
    assert!(shown.starts_with("Redrives 3 dead letters, oldest first\n"), "{shown}");
    assert!(ids.iter().all(|id| shown.contains(id)), "{shown}");
    assert_eq!(text(&run(url, ["operation", "list", "-q"], "").stdout), "");
    let mut asked = OnTerminal::start(url, REDRIVE.iter().chain(&["--limit", "1", "--wait"]), 120);
    asked.shows("Redrives 1 dead letter: go on? [y/N]");
    asked.types("y\n");
    let (status, shown) = asked.ended();
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.split_whitespace().collect::<Vec<_>>().join(" ").contains("changed 1 of 1 conflicts 0"), "{shown}");
    let done = run(url, REDRIVE.iter().chain(&["--yes", "--wait", "--reason", "the relay is back"]), "");
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(text(&run(url, ["dead", "list", "-q"], "").stdout), "");
    let listed = document(url, &["operation", "list"]);
    assert_eq!(
        (&listed["items"][0]["changed"], &listed["items"][0]["reason"]),
        (&2.into(), &"the relay is back".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_status_says_how_an_operation_has_ended() {
    let given = Given::new().await;
    given.dead_letters(3).await;
    let url = &given.server.url;
    // One at once, and the next in a quarter of an hour.
    let created = run(url, REDRIVE.iter().chain(&["--yes", "--rate-per-second", "0.001", "-q"]), "");
    let id = text(&created.stdout).trim().to_owned();
    assert_eq!(document(url, &["operation", "cancel", &id])["status"], "cancelled");
    let waited = run(url, ["operation", "wait", &id], "");
    assert_eq!(waited.status.code(), Some(11), "{}", text(&waited.stderr));
    assert!(text(&waited.stderr).contains(&format!("operation {id} was cancelled")), "{}", text(&waited.stderr));
    assert!(run(url, ["operation", "conflicts", &id], "").status.success());
    let unknown = run(url, ["operation", "show", "0193f2a0-0000-7000-8000-000000000000"], "");
    assert_eq!(unknown.status.code(), Some(3), "{}", text(&unknown.stderr));
    assert!(text(&unknown.stderr).contains("`enginehouse operation list`"), "{}", text(&unknown.stderr));
    for wrong in [&["--filter", "quue:a"][..], &[], &["--all", "--filter", "queue:a"], &["--all", "--limit", "0"]] {
        let refused = run(url, ["operation", "create", "--yes", "--action", "cancel_events"].iter().chain(wrong), "");
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", text(&refused.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_run_is_cancelled_once_somebody_has_said_so() {
    let given = Given::new().await;
    let url = &given.server.url;
    let event = serde_json::json!({ "event_type": "frame", "scenario_run_id": "night-7" });
    for _ in 0..2 {
        given.client.enqueue(&serde_json::from_value(event.clone()).unwrap()).await.unwrap();
    }
    let refused = run(url, ["run", "cancel", "night-7"], "");
    assert_eq!(refused.status.code(), Some(9), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("Cancels 2 events of scenario run night-7"), "{}", text(&refused.stderr));
    assert_eq!(document(url, &["run", "show", "night-7"])["events"]["queued"], 2);
    let created = run(url, ["run", "cancel", "night-7", "--yes", "--reason", "the wrong film", "-q"], "");
    let id = text(&created.stdout).trim().to_owned();
    assert!(run(url, ["operation", "wait", &id], "").status.success());
    assert_eq!(document(url, &["run", "show", "night-7"])["events"]["cancelled"], 2);
    assert_eq!(document(url, &["operation", "show", &id])["reason"], "the wrong film");
}
