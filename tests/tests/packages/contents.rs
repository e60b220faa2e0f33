//! What every package brings, and that the same inputs make the same bytes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use enginehouse_tests::python::{PACKAGE_TOOLS, interpreter};
use serde_json::Value;

use super::given::{must, package, packages};

fn read(name: &str) -> String {
    fs::read_to_string(packages().join(name)).unwrap()
}

#[test]
fn the_list_of_components_is_whole_and_cyclonedx() {
    let list: Value = serde_json::from_str(&read("enginehouse.cdx.json")).unwrap();
    let components = list["components"].as_array().unwrap();
    let urls: BTreeSet<_> = components.iter().map(|component| component["purl"].as_str().unwrap()).collect();
    let has = |name: &str| urls.iter().any(|url| url.starts_with(&format!("pkg:{name}@")));
    // Of the server, of C, and of the dashboard.
    for name in ["cargo/tokio", "cargo/rustls", "cargo/libsqlite3-sys", "cargo/tokio-postgres", "npm/svelte"] {
        assert!(has(name), "{name} is in the binary, and not in the list");
    }
    // Of tests, of what builds the documents, and of macros, nothing is in the binary.
    for name in ["cargo/rcgen", "cargo/mdbook-core", "cargo/serde_derive", "cargo/enginehouse-core"] {
        assert!(!has(name), "{name} is in the list, and not in the binary");
    }
    let known: BTreeSet<_> = urls.iter().copied().chain(list["metadata"]["component"]["purl"].as_str()).collect();
    for dependency in list["dependencies"].as_array().unwrap() {
        let named = dependency["dependsOn"].as_array().unwrap().iter().chain([&dependency["ref"]]);
        let unknown: Vec<_> = named.filter(|url| !known.contains(url.as_str().unwrap())).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    let validate = "import sys; from cyclonedx.schema import SchemaVersion; \
        from cyclonedx.validation.json import JsonStrictValidator as Validator; \
        error = Validator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()); \
        sys.exit(str(error) if error else 0)";
    let file = packages().join("enginehouse.cdx.json");
    let checked = Command::new(interpreter(PACKAGE_TOOLS)).args(["-c", validate]).arg(file).output().unwrap();
    must(&checked, "CycloneDX");
}

#[test]
fn every_component_has_its_licence() {
    let list: Value = serde_json::from_str(&read("enginehouse.cdx.json")).unwrap();
    let licenses = read("THIRD-PARTY-LICENSES.txt");
    for component in list["components"].as_array().unwrap() {
        let field = |value: &Value| value.as_str().unwrap().to_owned();
        let license = field(&component["licenses"][0]["expression"]);
        let owner = format!("\n{} {} ({license})\n", field(&component["name"]), field(&component["version"]));
        assert!(licenses.contains(&owner), "{owner}");
    }
    assert!(licenses.contains("Permission is hereby granted") && licenses.contains("Apache License"));
}

/// On another day, in another time zone, by somebody whose files are nobody else's.
#[test]
fn the_same_inputs_make_the_same_bytes() {
    let again = tempfile::tempdir().unwrap();
    package(&["wheel", "deb"], again.path(), &[("TZ", "Asia/Tokyo"), ("LC_ALL", "C.UTF-8")]);
    let first: BTreeSet<_> = read("SHA256SUMS").lines().map(str::to_owned).collect();
    let second = fs::read_to_string(again.path().join("SHA256SUMS")).unwrap();
    let differing: Vec<_> = second.lines().filter(|line| !first.contains(*line)).collect();
    assert!(differing.is_empty(), "{differing:?} are not among {first:?}");
    assert_eq!(second.lines().count(), 5, "{second}");
}
