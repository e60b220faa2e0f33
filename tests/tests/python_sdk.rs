//! The SDK for Python, by its own tests.

#![expect(clippy::print_stdout, reason = "what tools say is shown")]

use std::path::PathBuf;
use std::process::Command;

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::python::{PYTHON_SDK_TOOLS, interpreter};
use enginehouse_tests::{binary, text, without_variables};

/// Where the SDK for Python has its sources.
const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdks/python");

const PYTEST: [&str; 5] = ["-m", "pytest", "-q", "-p", "no:cacheprovider"];

/// Python in the package. It leaves nothing in the folder.
fn python(arguments: &[&str]) -> Command {
    let mut program = Command::new(interpreter(PYTHON_SDK_TOOLS));
    program.args(arguments).current_dir(SDK);
    without_variables(&mut program);
    program.env("PYTHONPATH", PathBuf::from(SDK).join("src")).env("PYTHONDONTWRITEBYTECODE", "1");
    program.env("ENGINEHOUSE_BINARY", binary());
    program
}

/// Runs a program to its end, shows what it says, and answers it.
#[track_caller]
fn must(mut program: Command) -> String {
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let written = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("$ {program:?}\n{written}");
    assert!(output.status.success(), "{program:?}\n{written}");
    written
}

#[test]
fn the_generated_parts_of_the_python_sdk_are_those_of_the_description() {
    must(python(&["tools/generate.py", "--check"]));
}

#[test]
fn the_types_of_the_python_sdk_are_strict() {
    let cache = tempfile::tempdir().unwrap();
    must(python(&["-m", "mypy", "--cache-dir", &cache.path().display().to_string()]));
    let own = interpreter(PYTHON_SDK_TOOLS).display().to_string();
    must(python(&["-m", "pyright", "--pythonpath", &own]));
}

#[test]
fn the_python_sdk_passes_its_own_tests() {
    assert_all_run(&must(python(&PYTEST)));
}

#[tokio::test]
async fn the_python_sdk_enqueues_inside_transactions_of_each_library() {
    let database = TestDatabase::new().await;
    let mut program = python(&PYTEST);
    program.arg("tests/postgresql").env("ENGINEHOUSE_TEST_DATABASE", database.url());
    assert_all_run(&must(program));
}

/// Whatever else a report says, some tests have run and none was left out.
#[track_caller]
fn assert_all_run(report: &str) {
    assert!(report.contains(" passed") && !report.contains("skipped"), "{report}");
}
