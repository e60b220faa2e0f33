//! The packages for npm: the binary in one of its own, which no script puts there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use enginehouse_tests::{output, terminate, text, without_variables};

use super::given::{a_first_event_is_done, commands, free_port, must, package_named};

/// A folder in which the packages lie as the document has them, and nothing is asked of a registry.
fn given_archives() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("app").tempdir().unwrap();
    for archive in [package_named("enginehouse-server-0", ".tgz"), package_named("enginehouse-server-linux-", ".tgz")] {
        fs::copy(&archive, folder.path().join(archive.file_name().unwrap())).unwrap();
    }
    fs::write(folder.path().join(".npmrc"), "offline=true\naudit=false\nfund=false\n").unwrap();
    folder
}

fn enginehouse(folder: &Path) -> Command {
    let mut command = Command::new(folder.join("node_modules/.bin/enginehouse"));
    without_variables(&mut command);
    command.env("ENGINEHOUSE_LOG", "error").current_dir(folder).stdin(Stdio::null());
    command
}

#[test]
fn packages_of_npm_are_installed_and_do_a_first_event() {
    let folder = given_archives();
    a_first_event_is_done("Node", &commands("Node"), folder.path());

    // The signal that asks the command to stop reaches the server, and what it answers is what the command answers.
    let mut serve = enginehouse(folder.path());
    serve.args(["serve", "--listen", &format!("127.0.0.1:{}", free_port())]).stdout(Stdio::piped());
    let mut child = serve.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    assert!(line.contains("http://127.0.0.1:"), "{line}");
    terminate(&child);
    assert_eq!(output(child).status.code(), Some(0));
    let refused = enginehouse(folder.path()).args(["serve", "--no-such-flag"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));

    // Where npm has left the binary out, whoever runs it is told what to do.
    fs::remove_dir_all(folder.path().join("node_modules/@enginehouse")).unwrap();
    let missing = enginehouse(folder.path()).arg("--version").output().unwrap();
    let said = text(&missing.stderr);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said.starts_with("error: the package @enginehouse/server-linux-"), "{said}");
    assert!(said.contains("try `npm install @enginehouse/server-linux-"), "{said}");
}

#[test]
fn a_platform_without_a_binary_is_named() {
    let folder = given_archives();
    let npm = ["install", "--ignore-scripts", "--silent", "--omit=optional"];
    let archive = package_named("enginehouse-server-0", ".tgz");
    let installed = Command::new("npm").args(npm).arg(archive).current_dir(folder.path()).output().unwrap();
    must(&installed, "npm install");
    let script = "Object.defineProperty(process, 'arch', { value: 'riscv64' });\n\
                  await import('enginehouse-server').then((server) => server.findBinary());";
    let node = Command::new("node").args(["--input-type=module", "--eval", script]).current_dir(folder.path()).output();
    let said = text(&node.unwrap().stderr);
    assert!(said.contains("there is no binary of Enginehouse for linux-riscv64, only for linux-"), "{said}");
    assert!(said.contains("build it from source, or run the server on another machine"), "{said}");
}
