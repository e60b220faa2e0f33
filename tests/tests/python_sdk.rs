//! The SDK for Python, by its own tests.

#![expect(clippy::print_stdout, reason = "what tools say is shown")]

use std::path::PathBuf;
use std::process::Command;

use enginehouse_tests::python::{PYTHON_SDK_TOOLS, interpreter};
use enginehouse_tests::{binary, text, without_variables};

/// Where the SDK for Python has its sources.
const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdks/python");

/// Runs Python in the package to its end, shows what it says, and answers it. It leaves nothing in the folder.
#[track_caller]
fn python_run(arguments: &[&str]) -> String {
    let mut program = Command::new(interpreter(PYTHON_SDK_TOOLS));
    program.args(arguments).current_dir(SDK);
    without_variables(&mut program);
    program.env("PYTHONPATH", PathBuf::from(SDK).join("src")).env("PYTHONDONTWRITEBYTECODE", "1");
    program.env("ENGINEHOUSE_BINARY", binary());
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let written = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("$ {program:?}\n{written}");
    assert!(output.status.success(), "{program:?}\n{written}");
    written
}

#[test]
fn the_generated_parts_of_the_python_sdk_are_those_of_the_description() {
    python_run(&["tools/generate.py", "--check"]);
}

#[test]
fn the_types_of_the_python_sdk_are_strict() {
    let cache = tempfile::tempdir().unwrap();
    python_run(&["-m", "mypy", "--cache-dir", &cache.path().display().to_string()]);
    let python = interpreter(PYTHON_SDK_TOOLS).display().to_string();
    python_run(&["-m", "pyright", "--pythonpath", &python]);
}

#[test]
fn the_python_sdk_passes_its_own_tests() {
    let report = python_run(&["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    // Whatever else it says, it has run some and left out none.
    assert!(report.contains(" passed") && !report.contains("skipped"), "{report}");
}
