//! The dashboard: built from its sources, and looked at in a real browser on the real binary.

#![expect(clippy::print_stdout, reason = "what tools say is shown")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{TestServer, command, node, text};
use tempfile::TempDir;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui");

/// What lies beside the sources but is made from them, or from elsewhere.
const MADE: [&str; 3] = ["dist", "node_modules", "schema.d.ts"];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap().is_dir() {
            _ if MADE.iter().any(|made| entry.file_name() == *made) => {}
            true => copy(&source, &target),
            false => _ = fs::copy(&source, &target).unwrap(),
        }
    }
}

/// The sources, where Node finds their packages.
fn sources() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(node::dashboard_packages()).unwrap();
    let sources = folder.path().join("ui");
    copy(Path::new(SOURCES), &sources);
    fs::copy(Path::new(SOURCES).join("../openapi.json"), folder.path().join("openapi.json")).unwrap();
    (folder, sources)
}

/// Runs a program to its end, shows what it says, and answers it.
#[track_caller]
fn must(program: &mut Command) -> String {
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("$ {program:?}\n{said}");
    assert!(output.status.success(), "{program:?}\n{said}");
    said
}

fn npm(script: &str, folder: &Path) -> Command {
    let mut program = Command::new("npm");
    let programs = node::dashboard_packages().join("node_modules/.bin");
    let path = std::env::join_paths(std::iter::once(programs).chain([
        PathBuf::from("/usr/local/bin"),
        "/usr/bin".into(),
        "/bin".into(),
    ]));
    program.args(["run", "--silent", script]).current_dir(folder).env("PATH", path.unwrap()).env("CI", "true");
    program
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for name in ["", "assets"] {
        for entry in fs::read_dir(folder.join(name)).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_file() {
                let name = format!("{name}/{}", entry.file_name().display());
                files.push((name, fs::read(entry.path()).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_files_in_the_repository_are_those_of_their_sources() {
    let (_folder, sources) = sources();
    must(&mut npm("types", &sources));
    must(&mut npm("check", &sources));
    must(&mut npm("test", &sources));
    must(&mut npm("build", &sources));
    let (built, committed) = (files(&sources.join("dist")), files(&Path::new(SOURCES).join("dist")));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&built), "run `cargo xtask ui`");
    assert!(committed == built, "run `cargo xtask ui`");
    // What a browser loads, packed as it is sent.
    let packed = must(Command::new("node").args(["tests/size.mjs"]).current_dir(&sources));
    let bytes: usize = packed.trim().parse().unwrap();
    assert!((10_000..150_000).contains(&bytes), "scripts and styles are {bytes} bytes");
}

/// Runs the browser's tests of these files on a server.
fn look(server: &TestServer, token: Option<&str>, tests: &[&str]) {
    run_tests(
        tests,
        [("ENGINEHOUSE_URL", server.url.as_str())].into_iter().chain(token.map(|t| ("ENGINEHOUSE_TOKEN", t))),
    );
}

/// Runs the browser's tests of these files, which are told by variables what to look at.
fn run_tests<'a>(tests: &[&str], variables: impl Iterator<Item = (&'a str, &'a str)>) {
    let (folder, sources) = sources();
    let mut program = Command::new("node");
    program.args(["--test", "--test-reporter", "spec"]).args(tests.iter().map(|name| format!("tests/{name}.test.mjs")));
    program.current_dir(&sources).env_remove("NODE_TEST_CONTEXT");
    enginehouse_tests::without_variables(&mut program);
    must(program.envs(variables));
    drop(folder);
}

fn look_at_a_new_store(tests: &[&str]) {
    look_at_a_new(StoreKind::Sqlite, tests);
}

fn look_at_a_new(kind: StoreKind, tests: &[&str]) {
    let store = TestStore::on(kind);
    let server = store.serve(&[]);
    look(&server, None, tests);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_last_quarter_of_an_hour_of_engines_is_drawn() {
    look_at_a_new_store(&["loads"]);
}

#[test]
fn an_installation_shows_its_name_its_colour_and_its_settings() {
    let store = TestStore::on(StoreKind::Sqlite);
    let server = store.serve(&["--instance-name", "render farm 2", "--instance-color", "red"]);
    look(&server, None, &["system"]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn every_page_is_sound_in_a_browser() {
    look_at_a_new_store(&["pages"]);
}

#[test]
fn what_others_wrote_is_text_on_every_page() {
    look_at_a_new_store(&["hostile"]);
}

#[test]
fn lists_are_narrowed_by_one_line_of_text() {
    look_at_a_new_store(&["filter"]);
}

#[test]
fn a_large_fleet_is_a_grid() {
    look_at_a_new_store(&["grid"]);
}

#[test]
fn lists_are_downloaded_with_every_digit() {
    look_at_a_new_store(&["export"]);
}

#[test]
fn lists_are_gone_through_and_acted_on_by_keys() {
    look_at_a_new_store(&["keys"]);
}

#[test]
fn every_action_says_what_it_does_and_does_it() {
    look_at_a_new_store(&["actions"]);
}

#[test]
fn all_that_match_are_acted_on_by_the_server() {
    look_at_a_new_store(&["operations"]);
}

#[test]
fn the_server_sends_what_happens_and_is_asked_where_it_cannot() {
    look_at_a_new_store(&["stream"]);
}

#[test]
fn open_pages_live_on_when_the_server_was_killed_and_is_started_again() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let store = TestStore::on(kind);
        let mut command =
            vec![enginehouse_tests::binary().display().to_string(), "serve".into(), "--store".into(), store.url()];
        if kind == StoreKind::Postgres {
            command.extend(["--durability".into(), "relaxed".into()]);
        }
        let command = serde_json::to_string(&command).unwrap();
        run_tests(&["restart"], [("DASHBOARD_SERVER", command.as_str())].into_iter());
        store.examine();
    }
}

#[test]
fn a_run_is_paused_resumed_and_cancelled() {
    look_at_a_new_store(&["runs"]);
}

#[test]
fn five_tasks_take_few_steps_by_mouse_and_by_keys() {
    look_at_a_new_store(&["tasks"]);
}

#[test]
fn pages_actions_and_tasks_are_the_same_on_postgres() {
    for tests in ["pages", "actions", "operations", "tasks"] {
        look_at_a_new(StoreKind::Postgres, &[tests]);
    }
}

#[test]
fn it_works_below_a_path_for_a_viewer_and_after_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("house.db");
    let store = format!("sqlite://{}", data_file.display());
    let made = command(["token", "create", "root", "--role", "admin", "-q", "--store", &store]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = TestServer::on(&data_file, &[]);
    look(&server, Some(text(&made.stdout).trim()), &["around"]);
    assert_eq!(server.stop(), Some(0));
}
