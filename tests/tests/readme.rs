//! The tour of the README does what it says: its commands are run as they stand there.

use std::process::{Command, Stdio};

use enginehouse_tests::{binary, text};

/// The shell blocks of the part of the README that bears this heading.
fn blocks(readme: &str, heading: &str) -> Vec<String> {
    let part = readme.split_once(&format!("\n## {heading}\n")).expect("the README has a tour").1;
    let part = part.split("\n## ").next().unwrap_or(part);
    part.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).map(str::to_owned).collect()
}

#[expect(clippy::disallowed_methods, reason = "the shell of the tour finds curl where this test would")]
fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[test]
fn the_tour_can_be_walked() {
    let readme = include_str!("../../README.md");
    let blocks = blocks(readme, "A five-minute tour");
    assert!(blocks.len() >= 4, "the tour has steps");
    let folder = tempfile::tempdir().unwrap();
    // Another server may have the port that the tour names.
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has an address");
    // One shell for the whole tour, which ends with the first command that fails.
    let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{}", blocks.join("\n"));
    let script = script.replace("127.0.0.1:7420", &free.to_string());
    let path = path();
    let mut folders = vec![binary().parent().expect("it is in a folder").to_owned()];
    folders.extend(std::env::split_paths(&path));
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("PATH", std::env::join_paths(folders).expect("the folders have no colon"))
        .env("ENGINEHOUSE_URL", format!("http://{free}"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    let printed = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{printed}");
    for shown in ["\"status\":\"completed\"", "\"duplicate\":true", "\"lock_lost\""] {
        assert!(text(&output.stdout).contains(shown), "the tour shows {shown}:\n{printed}");
    }
}
