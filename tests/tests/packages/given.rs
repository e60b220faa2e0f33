//! The packages, and the commands of the document that installs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use enginehouse_tests::{binary, text, without_variables};

const DOCUMENT: &str = include_str!("../../../docs/installing.md");

/// Of which time everything is that is made here.
const EPOCH: &str = "1700000000";

/// The folder with all packages, made once for all tests of this program from the binary that is tested.
pub(super) fn packages() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = binary().ancestors().nth(2).expect("the binary is in target/*").join("packages-tried");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the folder is ours");
        }
        let started = started();
        package(&["deb", "wheel", "npm", "image"], &folder, &[]);
        println!("packages are made in {:.1} s", started.elapsed().as_secs_f64());
        folder
    })
}

/// Runs `cargo xtask package` with the binary that is tested, and more in the environment.
pub(super) fn package(kinds: &[&str], folder: &Path, variables: &[(&str, &str)]) {
    let xtask = binary().with_file_name("xtask");
    assert!(xtask.exists(), "{} is not there: run `cargo build -p xtask`, or `cargo xtask test`", xtask.display());
    let mut command = Command::new(xtask);
    command.arg("package").args(kinds).arg("--binary").arg(binary()).arg("--out").arg(folder);
    // Small enough for a test, in a tenth of the time.
    command.env("DPKG_DEB_COMPRESSOR_TYPE", "gzip").env("DPKG_DEB_COMPRESSOR_LEVEL", "1");
    command.env("SOURCE_DATE_EPOCH", EPOCH).envs(variables.iter().copied());
    must(&command.output().expect("it starts"), "cargo xtask package");
}

/// The one package whose name begins and ends so.
pub(super) fn package_named(begins: &str, ends: &str) -> PathBuf {
    let files = fs::read_dir(packages()).expect("they are made").map(|entry| entry.expect("a file").path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with(begins) && name.ends_with(ends)
    };
    let found: Vec<_> = files.filter(is_it).collect();
    assert_eq!(found.len(), 1, "{begins}*{ends}: {found:?}");
    found[0].clone()
}

/// The commands of a part of the document, as they stand there.
pub(super) fn commands(heading: &str) -> String {
    let part = DOCUMENT.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("a part {heading}")).1;
    let part = part.split("\n## ").next().expect("it ends");
    let blocks: Vec<_> = part.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(!blocks.is_empty(), "{heading} has commands");
    blocks.concat()
}

/// Runs what installs Enginehouse, and what then does an event, in one shell; prints how many commands and seconds it took.
pub(super) fn a_first_event_is_done(way: &str, install: &str, folder: &Path) {
    a_first_event_is_done_by(way, install, |script, variables| {
        must(&shell(script, folder).envs(variables.iter().cloned()).output().expect("bash is there"), way)
    });
}

/// The same by something that runs such a script with these variables, and answers what it printed.
pub(super) fn a_first_event_is_done_by(
    way: &str,
    install: &str,
    run: impl FnOnce(&str, &[(&'static str, String)]) -> String,
) {
    // Another server may have the usual port.
    let address = format!("127.0.0.1:{}", free_port());
    let variables = [("ENGINEHOUSE_URL", format!("http://{address}")), ("ENGINEHOUSE_LISTEN", address)];
    let script = format!("{install}{}", commands("A first event"));
    let count = script.lines().filter(|line| !line.trim().is_empty()).count();
    let started = started();
    let said = run(&script, &variables);
    // What `wc -c` says of `"hello"`.
    assert!(said.lines().any(|line| line == "7"), "{way}: {said}");
    println!("{way}: a first event is done after {count} commands, {:.1} s", started.elapsed().as_secs_f64());
}

/// A shell that ends with the first command that fails, and leaves nothing running. It has no `enginehouse` but what it installs.
pub(super) fn shell(script: &str, folder: &Path) -> Command {
    // The engine before the server that it says goodbye to.
    let traps = "set -euo pipefail\ntrap 'for job in $(jobs -p | tac); do kill $job && wait $job || true; done' EXIT\n";
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("{traps}{script}")]).current_dir(folder).stdin(Stdio::null());
    without_variables(&mut bash);
    bash.env("ENGINEHOUSE_CONTEXT_FILE", "/nonexistent/contexts.toml").env("ENGINEHOUSE_LOG", "error");
    bash
}

/// What a program wrote, if it succeeded.
#[track_caller]
pub(super) fn must(output: &Output, what: &str) -> String {
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {said}");
    said
}

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// A clock that is only read to show how long something took.
#[expect(clippy::disallowed_methods, reason = "a measurement that is shown to people")]
pub(super) fn started() -> std::time::Instant {
    std::time::Instant::now()
}
