//! The programs of the documents in Rust.

use std::process::{Command, Stdio};

use enginehouse_tests::{TestServer, output, terminate, text, without_variables};

const DOCUMENT: &str = include_str!("../../docs/quickstart-rust.md");

/// A program of the document, which is built with this package.
fn program(path: &str, source: &str, url: &str) -> Command {
    assert!(DOCUMENT.contains(&format!("```rust\n{source}```")), "docs/quickstart-rust.md does not show {source}");
    let mut command = Command::new(path);
    without_variables(&mut command);
    command.env("ENGINEHOUSE_URL", url).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_quickstart_in_rust_does_what_it_says() {
    const ENGINE: &str = include_str!("../../examples/rust/engine.rs");
    const ORDER: &str = include_str!("../../examples/rust/order.rs");
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &["--log", "error"]);
    let engine = program(env!("CARGO_BIN_EXE_quickstart_engine"), ENGINE, &server.url).spawn().unwrap();
    let order = output(program(env!("CARGO_BIN_EXE_quickstart_order"), ORDER, &server.url).spawn().unwrap());
    assert!(order.status.success(), "{}", text(&order.stderr));
    let printed = text(&order.stdout);
    assert!(DOCUMENT.contains(&format!("```\n{printed}```")), "docs/quickstart-rust.md does not say {printed}");
    terminate(&engine);
    assert!(output(engine).status.success());
}
