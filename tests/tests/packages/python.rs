//! The wheel with the binary.

use std::fs;
use std::process::Command;

use enginehouse_tests::python::{PACKAGE_TOOLS, interpreter};

use super::given::{a_first_event_is_done, commands, must, package_named};

#[test]
fn a_wheel_is_installed_and_does_a_first_event() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = package_named("enginehouse_server-", ".whl");
    fs::copy(&wheel, folder.path().join(wheel.file_name().unwrap())).unwrap();
    a_first_event_is_done("Python", &commands("Python"), folder.path());

    let python = folder.path().join("venv/bin/python");
    let found = Command::new(&python).args(["-c", "import enginehouse_server as s; print(s.find_binary())"]).output();
    let found = must(&found.unwrap(), "find_binary");
    assert_eq!(found.trim(), folder.path().join("venv/bin/enginehouse").to_str().unwrap());
    let version = must(&Command::new(found.trim()).arg("--version").output().unwrap(), "the binary");
    let module = Command::new(&python).args(["-m", "enginehouse_server", "--version"]).output().unwrap();
    assert_eq!(must(&module, "python -m"), version);

    // Without it, the message says where it should be.
    fs::remove_file(found.trim()).unwrap();
    let gone = Command::new(&python).args(["-m", "enginehouse_server", "--version"]).output().unwrap();
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(said.contains("venv/bin") && said.contains("install enginehouse-server again"), "{said}");
}

/// Others find out the same from the binary: it runs on each system that pip takes the wheel for.
#[test]
fn the_platform_of_a_wheel_is_what_its_binary_needs() {
    let wheel = package_named("enginehouse_server-", ".whl");
    let name = wheel.file_name().unwrap().to_str().unwrap();
    let tag = name.trim_end_matches(".whl").rsplit('-').next().unwrap();
    let show = Command::new(interpreter(PACKAGE_TOOLS)).args(["-m", "auditwheel", "show"]).arg(&wheel).output();
    let said = must(&show.unwrap(), "auditwheel show").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("consistent with the following platform tag: \"{tag}\"")), "{tag}: {said}");
}
