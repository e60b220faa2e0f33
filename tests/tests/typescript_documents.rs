//! What documents show in TypeScript: commands are run, examples are compiled, and those of `examples/` pass their tests.

#![expect(clippy::print_stdout, reason = "what tools say is shown")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use enginehouse_tests::{binary, node, text, without_variables};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Runs a program to its end, and shows what it says.
#[track_caller]
fn must(program: &mut Command) -> String {
    let output = program.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let written = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("$ {program:?}\n{written}");
    assert!(output.status.success(), "{program:?}\n{written}");
    text(&output.stdout)
}

fn compiler(folder: &Path) -> Command {
    let mut compiler = Command::new("node");
    compiler.arg("node_modules/typescript/bin/tsc").current_dir(folder);
    compiler
}

/// The blocks of a document in a language.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    document.split(&fence).skip(1).filter_map(|block| block.split("```").next()).collect()
}

#[test]
fn examples_of_documents_compile() {
    let folder = node::typescript_project();
    let mut documents: Vec<_> =
        fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    documents
        .extend(["sdks/typescript/README.md", "examples/webhooks/README.md"].map(|path| Path::new(ROOT).join(path)));
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    documents.sort();
    let mut count = 0;
    for document in documents {
        for block in blocks(&fs::read_to_string(&document).unwrap(), "ts") {
            count += 1;
            let name = document.file_stem().unwrap().to_string_lossy();
            fs::write(folder.path().join(format!("{name}-{count}.ts")), format!("{block}\nexport {{}};\n")).unwrap();
        }
    }
    assert!(count >= 8, "documents have examples, found {count}");
    fs::copy(Path::new(ROOT).join("sdks/typescript/tests/snippets.d.ts"), folder.path().join("snippets.d.ts")).unwrap();
    let config =
        r#"{"compilerOptions":{"strict":true,"target":"es2022","module":"nodenext","types":["node"],"noEmit":true}}"#;
    fs::write(folder.path().join("tsconfig.json"), config).unwrap();
    must(&mut compiler(folder.path()));
}

#[test]
fn the_quickstart_for_typescript_can_be_walked() {
    let folder = tempfile::tempdir().unwrap();
    let package = node::packed_typescript_sdk(folder.path());
    let document = fs::read_to_string(Path::new(ROOT).join("docs/quickstart-typescript.md")).unwrap();
    let blocks = blocks(&document, "sh");
    assert!(blocks.len() >= 6, "it has steps");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // One shell for all of it, which ends with the first command that fails.
    let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{}", blocks.join("\n"));
    // Another server may have the port that it names, and the package is the one that was just built.
    let script = script
        .replace("enginehouse serve", &format!("enginehouse serve --listen {free}"))
        .replace("npm install ", "npm install --no-audit --no-fund --loglevel error ")
        .replace(" enginehouse\n", &format!(" '{}'\n", package.display()));
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(folder.path());
    without_variables(&mut bash);
    bash.env("ENGINEHOUSE_URL", format!("http://{free}")).env("ENGINEHOUSE_CONTEXT_FILE", "/nonexistent/contexts.toml");
    bash.env("PATH", path_with_binary());
    let printed = must(&mut bash);
    for shown in ["{\"words\":4}", "no_text", "completed { words: 2 }"] {
        assert!(printed.contains(shown), "it shows {shown}:\n{printed}");
    }
}

#[test]
fn the_example_of_webhooks_passes_its_tests() {
    let folder = node::typescript_project();
    must(Command::new("cp").arg("-r").arg(Path::new(ROOT).join("examples/webhooks/.")).arg(folder.path()));
    must(&mut compiler(folder.path()));
    let mut tests = Command::new("node");
    tests.args(["--test", "--test-reporter=tap", "webhooks.test.mjs"]).current_dir(folder.path());
    without_variables(&mut tests);
    let report = must(tests.env("ENGINEHOUSE_BINARY", binary()));
    assert!(report.contains("\n# pass 2\n"), "{report}");
}

#[expect(clippy::disallowed_methods, reason = "the shell of the quickstart finds npm where this test would")]
fn path_with_binary() -> std::ffi::OsString {
    let mut folders = vec![binary().parent().expect("it is in a folder").to_owned()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).expect("the folders have no colon")
}
