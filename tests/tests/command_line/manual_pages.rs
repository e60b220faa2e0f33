//! `enginehouse man`: a page for each command that `--help` lists.

use std::collections::BTreeSet;
use std::fs;

use enginehouse_tests::{command, text};

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    let written = command(["man"]).arg(&pages).output().unwrap();
    assert!(written.status.success(), "{}", text(&written.stderr));
    let found: BTreeSet<_> =
        fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let help = text(&command(["--help"]).output().unwrap().stdout);
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: Vec<_> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 20, "{help}");
    for name in commands.into_iter().filter(|name| *name != "help") {
        assert!(found.contains(&format!("enginehouse-{name}.1")), "{name} has no page");
    }
    // Of commands below others, too, and of none that is hidden.
    assert!(found.contains("enginehouse-engine-run.1") && !found.iter().any(|page| page.contains("demo-engine")));
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("enginehouse.1").contains("cannot be reached"), "exit statuses are not explained");
    assert!(page("enginehouse-engine-list.1").contains("ENGINEHOUSE_URL"), "variables are not named");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let refused = command(["man", "/proc/nowhere"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("could not write the manual pages") && said.contains("/proc/nowhere"), "{said}");
}
