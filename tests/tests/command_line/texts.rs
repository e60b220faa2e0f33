//! Text of others, such as the messages of errors, shows nothing but itself.

use enginehouse_tests::terminal::OnTerminal;
use enginehouse_tests::{run, text};

use super::given::Given;

#[tokio::test(flavor = "multi_thread")]
async fn the_last_line_of_an_error_is_shown_in_lists() {
    let given = Given::new().await;
    given.dead_letter("Traceback (most recent call last):\n  File \"a.py\", line 3\nValueError: no scene\n\n").await;
    for list in [["dead", "list"], ["dead", "summary"], ["event", "list"]] {
        let shown = text(&run(&given.server.url, list, "").stdout);
        assert!(shown.contains("ValueError: no scene") && !shown.contains("Traceback"), "{list:?}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_forges_no_lines() {
    let given = Given::new().await;
    let id = given.dead_letter("it broke\nstatus    completed\r\npayload   {}").await;
    for noun in ["dead", "event"] {
        let shown = text(&run(&given.server.url, [noun, "show", &id], "").stdout);
        let forged =
            shown.lines().any(|line| line.starts_with("status    completed") || line.starts_with("payload   {}"));
        assert!(!forged && shown.contains("   status    completed\n") && !shown.contains('\r'), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_terminal_acts_on_or_hides_is_escaped() {
    let given = Given::new().await;
    let id = given.dead_letter("a\u{1b}[31m\u{9b}31m\u{202e}\u{200b}z").await;
    let url = &given.server.url;
    for arguments in [&["dead", "list"][..], &["dead", "show", &id], &["event", "show", &id], &["dead", "summary"]] {
        let shown = text(&run(url, arguments, "").stdout);
        // In the pattern of a group, control characters are spaces.
        let want =
            if arguments[1] == "summary" { r"m\u{202e}\u{200b}z" } else { r"a\u{1b}[31m\u{9b}31m\u{202e}\u{200b}z" };
        assert!(shown.contains(want) && !shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{shown}");
    }
    for format in ["json", "jsonl", "yaml"] {
        let piped = text(&run(url, ["dead", "show", &id, "-o", format], "").stdout);
        let shown = OnTerminal::start(url, ["dead", "show", &id, "-o", format], 200).ended().1;
        let hidden = |text: &str| text.contains(['\u{9b}', '\u{202e}', '\u{200b}']);
        assert!(!hidden(&shown) && shown.contains("\\u202e"), "{format}: {shown}");
        if format != "yaml" {
            assert!(hidden(&piped), "a program gets it as it is: {piped}");
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(read(&shown), read(&piped));
        }
    }
}
