//! Before something is done to many, a person sees what it would touch.

use enginehouse_tests::terminal::OnTerminal;
use enginehouse_tests::{run, text};

use super::given::Given;

/// The ids that a text names, in their order.
fn named<'a>(shown: &str, ids: &'a [String]) -> Vec<&'a String> {
    let mut found: Vec<_> = ids.iter().filter_map(|id| Some((shown.find(id.as_str())?, id))).collect();
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_shows_exactly_what_would_be_touched() {
    let given = Given::new().await;
    let ids = given.dead_letters(12).await;
    let (url, left) = (&given.server.url, |given: &Given| {
        text(&run(&given.server.url, ["dead", "list", "-q"], "").stdout).lines().count()
    });
    // Off a terminal nothing can be asked, but it is shown.
    let refused = run(url, ["dead", "redrive", "--all", "--limit", "5"], "");
    let shown = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(9), "{shown}");
    assert_eq!(named(&shown, &ids), ids[..5].iter().collect::<Vec<_>>(), "{shown}");
    assert!(shown.contains("Redrive 5 dead letters, oldest first:"), "{shown}");
    assert_eq!(left(&given), 12);
    // A question that is answered no.
    let mut asked = OnTerminal::start(url, ["dead", "redrive", "--all", "--limit", "5"], 100);
    asked.shows("Redrive 5 dead letters? [y/N]");
    asked.types("n\n");
    assert_eq!(asked.ended().0, Some(9));
    assert_eq!(left(&given), 12);
    // One that is answered yes, about more than it can show.
    let mut asked = OnTerminal::start(url, ["dead", "redrive", "--event-type", "mail.send"], 100);
    let shown = asked.shows("Redrive 12 dead letters? [y/N]");
    assert!(shown.contains("Redrive 12 dead letters; the first 10, oldest first:"), "{shown}");
    assert_eq!(named(&shown, &ids), ids[..10].iter().collect::<Vec<_>>(), "{shown}");
    // It was not shown, so it is not touched.
    let later = given.dead_letter("later").await;
    asked.types("y\n");
    let (status, shown) = asked.ended();
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.ends_with("redriven  12\n"), "{shown}");
    assert_eq!(text(&run(url, ["dead", "list", "-q"], "").stdout).trim(), later);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_touches_nothing_and_shows_the_same() {
    let given = Given::new().await;
    let ids = given.dead_letters(3).await;
    let url = &given.server.url;
    for verb in ["redrive", "discard"] {
        let shown = text(&run(url, ["dead", verb, "--all", "--dry-run"], "").stdout);
        assert!(shown.starts_with(&format!("{verb}  3 dead letters, oldest first:")), "{shown}");
        assert_eq!(named(&shown, &ids), ids.iter().collect::<Vec<_>>(), "{shown}");
        let document = text(&run(url, ["dead", verb, "--all", "--dry-run", "-o", "json"], "").stdout);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap()["count"], 3, "{document}");
        let count = text(&run(url, ["dead", verb, "--queue", "other", "--dry-run", "-q"], "").stdout);
        assert_eq!(count, "0\n");
    }
    assert_eq!(text(&run(url, ["dead", "list", "-q"], "").stdout).lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_errors_is_listed_redriven_and_discarded_by_its_id() {
    let given = Given::new().await;
    for (code, count) in [(550, 3), (421, 2)] {
        for number in 0..count {
            let message = format!(
                "Traceback (most recent call last):\n  File \"a.py\", line {number}\nSMTPDataError: ({code}, b'mailbox {number}')\n"
            );
            given.dead_letter(&message).await;
        }
    }
    let url = &given.server.url;
    let shown = text(&run(url, ["dead", "summary"], "").stdout);
    assert!(shown.contains("SMTPDataError: (550, b'mailbox #')"), "{shown}");
    let groups = text(&run(url, ["dead", "summary", "-o", "name"], "").stdout);
    let groups: Vec<_> = groups.lines().collect();
    let [first, second] = groups[..] else { panic!("{groups:?}") };
    let listed = text(&run(url, ["dead", "list", "--group", second], "").stdout);
    assert_eq!(listed.matches("SMTPDataError: (421").count(), 2, "{listed}");
    assert!(!listed.contains("Traceback") && !listed.contains("550"), "{listed}");
    assert_eq!(text(&run(url, ["dead", "redrive", "--group", first, "--yes"], "").stdout), "redriven  3\n");
    assert_eq!(text(&run(url, ["dead", "discard", "--group", second, "--yes"], "").stdout), "discarded  2\n");
    let wrong = run(url, ["dead", "list", "--group", "9f3a"], "");
    assert!(text(&wrong.stderr).contains("`enginehouse dead summary` lists them"), "{}", text(&wrong.stderr));
}
