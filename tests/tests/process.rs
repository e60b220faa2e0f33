//! The process and what is around it: a log that nobody can write or reads, and signals.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, pipe};
use std::process::Stdio;

use enginehouse_tests::{TestServer, command, run, text, until};
use rustix::process::Signal;

/// A server whose log goes to `stderr`, with a line for each call.
fn serve_with_log(stderr: impl Into<Stdio>, store: &std::path::Path) -> TestServer {
    let mut serve = command(["serve"]);
    serve.env("ENGINEHOUSE_LOG", "info").stderr(stderr);
    TestServer::with(serve, &format!("sqlite://{}", store.display()), &["--log-requests"])
}

/// Calls until lines of the log were dropped, as the metrics say.
async fn until_lines_are_dropped(server: &TestServer) {
    let client = server.client();
    until("lines are dropped", async || {
        for _ in 0..100 {
            client.stats().await.expect("the server serves");
        }
        let dropped = server.metrics("enginehouse_log_lines_dropped_total").await;
        (dropped[0].1 > 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("enginehouse.db");
    let full = serve_with_log(File::options().write(true).open("/dev/full").unwrap(), &store);
    until_lines_are_dropped(&full).await;
    full.signal(Signal::HUP);
    full.client().stats().await.expect("the server serves");
    assert_eq!(full.stop(), Some(0));

    let (reader, writer) = pipe().unwrap();
    let deserted = serve_with_log(writer, &store);
    drop(reader);
    until_lines_are_dropped(&deserted).await;
    assert_eq!(deserted.stop(), Some(0));
}

/// The pipe is full after 64 KiB, and the queue of lines a little later.
#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut reader, writer) = pipe().unwrap();
    let server = serve_with_log(writer, &folder.path().join("enginehouse.db"));
    until_lines_are_dropped(&server).await;
    // Its reader comes back: what is missing is said once.
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    server.client().stats().await.expect("the server serves");
    assert_eq!(server.stop(), Some(0));
    let log = reading.join().unwrap();
    assert!(log.contains("lines of the log are missing here"), "{}", log.len());
}

/// The thread that reads stdin is none that the process waits for.
#[test]
fn a_signal_stops_a_server_whose_stdin_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (stdin, kept_open) = pipe().unwrap();
    let mut serve = command(["serve"]);
    serve.stdin(stdin);
    let store = format!("sqlite://{}", folder.path().join("enginehouse.db").display());
    let server = TestServer::with(serve, &store, &["--until-stdin-ends"]);
    // By then it reads its stdin.
    assert!(run(&server.url, ["event", "list"], "").status.success(), "it serves");
    assert_eq!(server.stop(), Some(0));
    drop(kept_open);
}

#[test]
fn a_hangup_is_ignored_and_said_to_be_and_quit_stops_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = pipe().unwrap();
    let server = serve_with_log(writer, &folder.path().join("enginehouse.db"));
    let mut log = BufReader::new(reader).lines().map(Result::unwrap);
    server.signal(Signal::HUP);
    assert!(log.any(|line| line.contains("SIGHUP is ignored")));
    assert!(run(&server.url, ["event", "list"], "").status.success(), "it serves");
    server.signal(Signal::QUIT);
    assert!(log.any(|line| line.contains("shutting down")));
    assert!(log.any(|line| line.contains("stopped")));
    assert_eq!(server.ended(), Some(0));
}

/// As `enginehouse event list | head -1` does.
#[test]
fn a_command_whose_reader_has_gone_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    let lines: String = (0..5_000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    assert!(run(&server.url, ["event", "enqueue", "--file", "-", "--event-type", "a"], &lines).status.success());
    for arguments in [&["event", "list", "--all"][..], &["event", "list", "--all", "--output", "jsonl"], &["openapi"]] {
        let mut child = command(arguments)
            .env("ENGINEHOUSE_URL", &server.url)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()), "{arguments:?}");
        assert!(!first.is_empty());
    }
    let full = command(["event", "list"])
        .env("ENGINEHOUSE_URL", &server.url)
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(text(&full.stderr).contains("could not write the output"), "{}", text(&full.stderr));
}
