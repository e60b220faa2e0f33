//! Variables of the environment that look like ours and are none.

use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{command, run, text};

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

/// A server that runs says what it was started with, by a flag, a variable or a file, and no password.
#[test]
fn a_server_says_what_is_set_and_where() {
    let store = TestStore::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("enginehouse.toml");
    std::fs::write(&file, "max_engines = 77\n").unwrap();
    let mut serve = command(["serve"]);
    serve.env("ENGINEHOUSE_INSTANCE_NAME", "render farm 2").arg("--config").arg(&file);
    let server = store.serve_with(serve, &["--max-lanes", "500", "--instance-color", "teal"]);
    let shown = text(&run(&server.url, ["system"], "").stdout);
    for words in [
        vec!["name", "render farm 2"],
        vec!["findings", "none"],
        vec!["instance_name", "render farm 2", "variable ENGINEHOUSE_INSTANCE_NAME"],
        vec!["max_lanes", "500", "flag --max-lanes"],
        vec!["max_engines", "77", "file "],
        vec!["max_retries", "3", "default"],
    ] {
        let is_there =
            |line: &str| line.trim_start().starts_with(words[0]) && words.iter().all(|word| line.contains(word));
        assert!(shown.lines().any(is_there), "{words:?}: {shown}");
    }
    let names = text(&run(&server.url, ["system", "-o", "name"], "").stdout);
    assert!(names.lines().any(|name| name == "max_lanes") && !names.contains("render"), "{names}");
    assert_eq!(server.stop(), Some(0));
}
