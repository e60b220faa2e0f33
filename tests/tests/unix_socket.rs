//! A server on a Unix socket, and the commands that call it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use enginehouse_tests::{TestServer, command, run, terminate, text, until};

#[tokio::test]
async fn commands_and_engines_call_a_server_by_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let (data_file, socket) = (folder.path().join("enginehouse.db"), folder.path().join("http.sock"));
    let url = format!("unix:{}", socket.display());
    let flags = ["--listen", &url, "--socket-mode", "660", "--metrics-listen", "127.0.0.1:0"];
    let server = TestServer::on(&data_file, &flags);
    assert_eq!(server.url, url);
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o660);
    let output = run(&url, ["event", "enqueue", "work"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The command is told the same address. An engine waits on the socket meanwhile.
    let mut engine = command(["engine", "run", "--event-type", "work", "--", "sh", "-c", "echo \"$ENGINEHOUSE_URL\""])
        .env("ENGINEHOUSE_URL", &url)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the event is completed", async || {
        let list = text(&run(&url, ["event", "list", "-o", "json", "--status", "completed"], "").stdout);
        list.contains(&url).then_some(())
    })
    .await;
    terminate(&engine);
    assert!(engine.wait().unwrap().success());

    // A second server leaves it alone, and one after a crash takes its place.
    let other = format!("sqlite://{}", folder.path().join("other.db").display());
    let output = command(["serve", "--store", &other, "--listen", &url]).output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains("a server listens on it"), "{message}");
    server.kill();
    assert!(socket.exists());
    let output = run(&url, ["stats"], "");
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    let server = TestServer::on(&data_file, &["--listen", &url]);
    assert!(run(&url, ["stats"], "").status.success());
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600, "its owner alone");
    assert_eq!(server.stop(), Some(0));
    assert!(!socket.exists(), "it is removed at the end");
}
