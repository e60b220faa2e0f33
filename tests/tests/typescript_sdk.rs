//! The SDK for TypeScript, by its own tests.

#![expect(clippy::print_stdout, reason = "what tools say is shown")]

use std::fs;
use std::path::Path;
use std::process::Command;

use enginehouse_tests::{TestServer, binary, node, text, without_variables};

/// Runs a program of Node in the package to its end, shows what it says, and answers it.
#[track_caller]
fn node_run(folder: &Path, arguments: &[&str]) -> String {
    let mut program = Command::new("node");
    program.args(arguments).current_dir(folder);
    without_variables(&mut program);
    program.env("OPENAPI", concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.json"));
    program.env("REFERENCE", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference-typescript.md"));
    program.env("ENGINEHOUSE_BINARY", binary());
    must(&mut program)
}

/// Runs a program to its end, shows what it says, and answers it.
#[track_caller]
fn must(program: &mut Command) -> String {
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let written = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("$ {program:?}\n{written}");
    assert!(output.status.success(), "{program:?}\n{written}");
    written
}

#[test]
fn the_generated_parts_of_the_typescript_sdk_and_its_reference_are_fresh() {
    node_run(&node::typescript_sdk(), &["tools/generate.mjs", "--check"]);
    node_run(&node::typescript_sdk(), &["tools/reference.mjs", "--check"]);
}

#[test]
fn the_typescript_sdk_passes_its_own_tests() {
    let folder = node::typescript_sdk();
    let mut files: Vec<_> = fs::read_dir(folder.join("tests"))
        .unwrap()
        .map(|entry| format!("tests/{}", entry.unwrap().file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".test.mjs"))
        .collect();
    files.sort();
    let arguments: Vec<_> =
        ["--test", "--test-reporter=tap"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let report = node_run(&folder, &arguments);
    // Whatever else it says, it has run some and left out none.
    assert!(!report.contains("\n# tests 0\n") && report.contains("\n# skipped 0\n"), "{report}");
}

#[test]
fn an_engine_of_the_typescript_sdk_runs_on_deno_and_on_bun() {
    let folder = node::typescript_project();
    for name in ["smoke.mjs", "smoke-worker.mjs"] {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdks/typescript/tests/runtimes");
        fs::copy(Path::new(source).join(name), folder.path().join(name)).unwrap();
    }
    let server = TestServer::on(&folder.path().join("events.db"), &[]);
    let [deno, bun] = node::other_runtimes();
    // Neither is to look for anything on the internet, nor to leave anything behind.
    let arguments: [(_, &[&str]); 2] =
        [(deno, &["run", "--allow-all", "--no-remote", "smoke.mjs"]), (bun, &["smoke.mjs"])];
    for (runtime, arguments) in arguments {
        let mut program = Command::new(&runtime);
        program.args(arguments).current_dir(folder.path());
        without_variables(&mut program);
        program
            .env("ENGINEHOUSE_URL", &server.url)
            .env("DENO_DIR", folder.path().join("deno"))
            .env("DENO_NO_UPDATE_CHECK", "1");
        let report = must(&mut program);
        assert!(report.contains("all is well"), "{report}");
    }
    assert_eq!(server.stop(), Some(0));
}
