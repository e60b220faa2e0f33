//! Lists: parts of them, their columns, their formats, and again and again.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use enginehouse_tests::terminal::OnTerminal;
use enginehouse_tests::{command, run, text};

use super::given::Given;

/// Enqueues so many events.
fn given_events(url: &str, count: usize) {
    let lines: String = (0..count).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    assert!(
        run(url, ["event", "enqueue", "--file", "-", "--event-type", "a.long-event-type"], &lines).status.success()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_cut_says_so_in_every_format() {
    let given = Given::new().await;
    let url = &given.server.url;
    given_events(url, 60);
    for format in ["table", "wide", "json", "jsonl", "yaml"] {
        let cut = run(url, ["event", "list", "-o", format], "");
        let note = text(&cut.stderr);
        assert!(note.starts_with("these are 50, and there are more: add --cursor "), "{format}: {note}");
        let whole = run(url, ["event", "list", "-o", format, "--all"], "");
        assert_eq!(text(&whole.stderr), "", "{format}");
        let cursor = note.split(' ').find(|word| word.len() > 30).unwrap().trim_end_matches(',');
        let rest = run(url, ["event", "list", "-o", format, "--cursor", cursor], "");
        assert_eq!(text(&rest.stderr), "", "{format}");
        let ids = |output: &[u8]| text(output).matches("a.long-event-type").count();
        assert_eq!((ids(&cut.stdout), ids(&rest.stdout), ids(&whole.stdout)), (50, 10, 60), "{format}");
    }
}

/// What `xargs` gets is all, or a part that was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ids_is_whole() {
    let given = Given::new().await;
    let url = &given.server.url;
    given_events(url, 1_060);
    for (arguments, count, note) in [
        (&["-q"][..], 1_060, ""),
        (&["-o", "name"], 1_060, ""),
        (&["-q", "--limit", "1010"], 1_010, "these are 1010, and there are more"),
        (&["-q", "--limit", "1060"], 1_060, ""),
    ] {
        let listed = run(url, ["event", "list"].iter().chain(arguments), "");
        assert_eq!(text(&listed.stdout).lines().count(), count, "{arguments:?}");
        let said = text(&listed.stderr);
        assert!(said.starts_with(note) && said.is_empty() == note.is_empty(), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_fits_its_terminal_and_has_the_columns_that_are_asked_for() {
    let given = Given::new().await;
    let url = &given.server.url;
    given
        .dead_letter("a message of many words that goes on and on and on and on and on, wider than any terminal")
        .await;
    for columns in [80, 100, 140] {
        for arguments in [&["dead", "list"][..], &["dead", "summary"], &["event", "list"], &["engine", "list"]] {
            let (status, shown) = OnTerminal::start(url, arguments, columns).ended();
            assert_eq!(status, Some(0), "{shown}");
            let widest = shown.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= columns.into(), "{arguments:?} has {widest} of {columns}:\n{shown}");
            assert_eq!(shown.lines().count(), 2, "one line each:\n{shown}");
        }
    }
    let wide = OnTerminal::start(url, ["event", "list", "-o", "wide"], 80).ended().1;
    assert!(wide.contains("wider than any terminal") && wide.contains("PRIORITY"), "{wide}");
    let chosen = text(&run(url, ["event", "list", "--columns", "Status,error"], "").stdout);
    assert!(chosen.starts_with(" STATUS  ERROR\n failed  a message of many words"), "{chosen}");
    for wrong in [&["--columns", "nosuch"][..], &["--columns", "event", "-o", "json"], &["--time", "utc", "-q"]] {
        let refused = run(url, ["event", "list"].iter().chain(wrong), "");
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", text(&refused.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_are_said_and_shown_as_people_do() {
    let given = Given::new().await;
    let url = &given.server.url;
    given_events(url, 1);
    let count = |arguments: &[&str]| {
        let listed = run(url, ["event", "list", "-q"].iter().chain(arguments), "");
        assert!(listed.status.success(), "{}", text(&listed.stderr));
        text(&listed.stdout).lines().count()
    };
    assert_eq!(count(&["--enqueued-after", "1h"]), 1);
    assert_eq!(count(&["--enqueued-before", "1h"]), 0);
    assert_eq!(count(&["--enqueued-after", "2026-11-01"]), 1);
    assert_eq!(count(&["--enqueued-before", "2026-11-01T00:00:00Z"]), 0);
    assert!(run(url, ["event", "enqueue", "later", "--run-at", "2d"], "").status.success());
    let shown =
        |time: &str| text(&run(url, ["event", "list", "--columns", "available,type", "--time", time], "").stdout);
    assert!(shown("relative").lines().nth(1).unwrap().starts_with(" in 47h") || shown("relative").contains("in 2d"));
    assert!(shown("utc").contains('Z') && !shown("local").contains("Z "), "{}", shown("local"));
}

/// One that is off shows nothing of its own, and fails nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_watched_list_is_shown_again_and_again() {
    let given = Given::new().await;
    let url = &given.server.url;
    let mut watching = command(["event", "list", "--watch=100ms", "-o", "jsonl"])
        .env("ENGINEHOUSE_URL", url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    given_events(url, 1);
    let first = lines.next().unwrap();
    assert_eq!(lines.next().unwrap(), first);
    watching.kill().unwrap();
    watching.wait().unwrap();
    let mut watching = OnTerminal::start(url, ["event", "list", "--watch"], 100);
    watching.shows("a.long");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_engines_are_listed_if_somebody_asks() {
    let given = Given::new().await;
    let url = &given.server.url;
    assert!(run(url, ["engine", "drain", "mailer", "--stop"], "").status.success());
    let listed = |arguments: &[&str]| text(&run(url, ["engine", "list", "-q"].iter().chain(arguments), "").stdout);
    assert_eq!(listed(&[]), "");
    assert_eq!(listed(&["--stopped"]), "mailer\n");
    assert_eq!(listed(&["--status", "stopped"]), "mailer\n");
}
