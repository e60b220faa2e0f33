//! Variables of the environment that look like ours and are none.

use enginehouse_tests::{command, text};

#[test]
fn a_variable_that_nothing_reads_is_warned_about() {
    let misspelt = |arguments: &[&str]| {
        let mut run = command(arguments);
        run.env("ENGINEHOUSE_RETRY_DELAY_JITER", "1").output().unwrap()
    };
    let warning = "the variable ENGINEHOUSE_RETRY_DELAY_JITER is set, and nothing reads it: did you mean ENGINEHOUSE_RETRY_DELAY_JITTER?";
    let output = misspelt(&["config"]);
    assert!(output.status.success() && text(&output.stderr).contains(warning), "{}", text(&output.stderr));
    // A server says so in its log, in the format of that.
    let output = misspelt(&["serve", "--store", "sqlite:///nowhere/at/all", "--log-format", "json", "--log", "warn"]);
    let log = text(&output.stderr);
    assert!(log.lines().any(|line| line.starts_with('{') && line.contains(warning)), "{log}");
}
