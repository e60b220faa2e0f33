//! The description of the API in the hands of the tools that others use: linters, makers of clients, and one that tries whatever
//! the description allows and forbids.

#![expect(clippy::print_stdout, reason = "what tools say is shown")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use enginehouse_tests::python::{OPENAPI_TOOLS, interpreter};
use enginehouse_tests::{TestServer, command, node, text};

/// What belongs to these tests and is no Rust.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi");

fn file(name: &str) -> PathBuf {
    Path::new(FILES).join(name)
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

/// A program of a package of Node's.
fn node_program(name: &str, folder: &Path) -> Command {
    let mut program = Command::new(node::packages().join("node_modules/.bin").join(name));
    // None of them is to look for anything on the internet.
    program.current_dir(folder).env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    program
}

/// A program of a package of Python's.
fn python_program(name: &str, folder: &Path) -> Command {
    let programs = interpreter(OPENAPI_TOOLS);
    let programs = programs.parent().expect("programs lie in a folder");
    let mut program = Command::new(programs.join(name));
    // Those that call others of the same packages look for them in the path.
    let path = [programs.as_os_str(), ":/usr/local/bin:/usr/bin:/bin".as_ref()].join("".as_ref());
    program.current_dir(folder).env("PATH", path);
    program
}

/// Writes the description into a folder.
fn description(folder: &Path, version: &str) -> PathBuf {
    let output = command(["openapi", "--version", version]).output().expect("the binary starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = folder.join(format!("openapi-{version}.json"));
    fs::write(&path, output.stdout).expect("the folder can be written to");
    path
}

fn serve(folder: &Path) -> TestServer {
    TestServer::on(&folder.join("house.db"), &[])
}

#[test]
fn linters_find_nothing_wrong_in_the_description() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["3.1", "3.0"] {
        let description = description(folder.path(), version);
        let mut redocly = node_program("redocly", folder.path());
        let said =
            must(redocly.args(["lint", "--format=summary", "--config"]).arg(file("redocly.yaml")).arg(&description));
        assert!(said.contains("Your API description is valid"), "{said}");
        let mut spectral = node_program("spectral", folder.path());
        let said = must(
            spectral.args(["lint", "--fail-severity=warn", "--ruleset"]).arg(file("spectral.yaml")).arg(&description),
        );
        assert!(said.contains("No results with a severity of 'warn' or higher found!"), "{said}");
    }
}

/// A call whose answer has no end: who reads the whole of it waits for ever.
const ENDLESS: [&str; 2] = ["--exclude-operation-id", "follow_topics"];

/// How many calls a description has.
fn calls_of(description: &Path) -> usize {
    let read: serde_json::Value = serde_json::from_slice(&fs::read(description).unwrap()).unwrap();
    read["paths"].as_object().unwrap().values().map(|methods| methods.as_object().unwrap().len()).sum()
}

#[test]
fn schemathesis_finds_no_request_that_is_not_answered_as_described() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    for name in ["schemathesis.toml", "schemathesis_hooks.py"] {
        fs::copy(file(name), folder.path().join(name)).unwrap();
    }
    let description = description(folder.path(), "3.1");
    let said = must(
        python_program("schemathesis", folder.path())
            .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--url", &server.url])
            .args(ENDLESS)
            .arg(&description),
    );
    // Whatever else it says, it has tried every call but one.
    let calls = calls_of(&description) - 1;
    assert!(said.contains(&format!("Tested: {calls}\n")), "{said}");
    assert_eq!(server.stop(), Some(0));
}

/// Each call with its token, without it, and with one that opens nothing: nobody but the first is answered.
#[test]
fn schemathesis_finds_no_call_that_is_answered_without_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("house.db");
    let store = format!("sqlite://{}", data_file.display());
    let made = command(["token", "create", "root", "--role", "admin", "-q", "--store", &store]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = TestServer::on(&data_file, &[]);
    for name in ["schemathesis.toml", "schemathesis_hooks.py"] {
        fs::copy(file(name), folder.path().join(name)).unwrap();
    }
    let description = description(folder.path(), "3.1");
    let header = format!("Authorization: Bearer {}", text(&made.stdout).trim());
    let said = must(
        python_program("schemathesis", folder.path())
            .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--url", &server.url])
            .args(["--checks", "ignored_auth,not_a_server_error", "--header", &header])
            .args(["--phases", "examples,fuzzing", "--max-examples", "3"])
            // The one call that could take the token away.
            .args(["--exclude-operation-id", "revoke_token"])
            .args(ENDLESS)
            .arg(&description),
    );
    assert!(said.contains(&format!("Tested: {}\n", calls_of(&description) - 2)), "{said}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_generated_python_client_works_off_an_event_and_has_every_error() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let description = description(folder.path(), "3.1");
    let mut generator = python_program("openapi-python-client", folder.path());
    generator.args(["generate", "--output-path", "generated", "--config"]);
    let said = must(generator.arg(file("openapi-python-client.yaml")).arg("--path").arg(&description));
    // What it cannot make is left out with a warning. That is one type of one body: lines.
    let warnings: Vec<_> = said.lines().filter(|line| line.starts_with("WARNING")).collect();
    assert_eq!(warnings, ["WARNING parsing POST /v1/events/batch within events."], "{said}");
    assert!(said.contains("Unsupported content type text/plain"), "{said}");
    let generated = folder.path().join("generated");
    fs::copy(file("client.py"), generated.join("client.py")).unwrap();
    must(python_program("mypy", &generated).args(["--strict", "client.py", "enginehouse_generated"]));
    let said = must(python_program("python", &generated).args(["client.py", &server.url]));
    assert_eq!(said.trim(), "registered, enqueued, claimed, refused, completed, listed");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_typescript_client_of_generated_types_works_off_an_event_and_has_every_error() {
    // Where Node finds its packages.
    let folder = tempfile::tempdir_in(node::packages()).unwrap();
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path());
    let description = description(folder.path(), "3.1");
    must(node_program("openapi-typescript", folder.path()).arg(&description).args(["--output", "api.d.ts"]));
    for name in ["client.ts", "tsconfig.json", "package.json"] {
        fs::copy(file(name), folder.path().join(name)).unwrap();
    }
    must(&mut node_program("tsc", folder.path()));
    let said = must(Command::new("node").args(["out/client.js", &server.url]).current_dir(folder.path()));
    assert_eq!(said.trim(), "registered, enqueued, claimed, refused, completed, listed");
    assert_eq!(server.stop(), Some(0));
}
