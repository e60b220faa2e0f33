//! What is said to do about a failure is for the person who has typed the command, and by the cause.

use enginehouse_tests::{TestServer, command, run, text};

use super::given::Given;

const NOBODY: &str = "0193f2a0-0000-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_thing_that_is_not_there_is_looked_for_by_its_kind() {
    let given = Given::new().await;
    for (arguments, hint) in [
        (&["engine", "show", "nosuch"][..], "enginehouse engine list --stopped"),
        (&["engine", "drain", "nosuch"], "enginehouse engine list --stopped"),
        (&["event", "show", NOBODY], "enginehouse event list"),
        (&["event", "retry", NOBODY], "enginehouse event list"),
        (&["dead", "show", NOBODY], "enginehouse dead list"),
        (&["dead", "discard", NOBODY], "enginehouse dead list"),
        (&["event-type", "show", "nosuch"], "enginehouse event-type list"),
        (&["event", "release-key", "nosuch"], "nothing to release"),
    ] {
        let failed = run(&given.server.url, arguments, "");
        let said = text(&failed.stderr);
        assert_eq!(failed.status.code(), Some(3), "{said}");
        let tried = said.lines().find(|line| line.starts_with("  try: ")).unwrap_or_else(|| panic!("{said}"));
        assert!(tried.contains(hint) && !tried.contains("epoch"), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_said_to_be_full() {
    let folder = tempfile::tempdir().unwrap();
    let log_file = folder.path().join("log");
    let mut serve = command(["serve"]);
    serve.env("ENGINEHOUSE_LOG", "error").stderr(std::fs::File::create(&log_file).unwrap());
    let store = format!("sqlite://{}", folder.path().join("enginehouse.db").display());
    let server = TestServer::with(serve, &store, &["--max-store-mb", "1"]);
    let payload = format!("\"{}\"", "x".repeat(200_000));
    let refused = (0..20).map(|_| run(&server.url, ["event", "enqueue", "a", "-"], &payload));
    let refused = refused.into_iter().find(|output| !output.status.success()).expect("it is full at some time");
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(6), "{said}");
    assert!(said.contains("why: the disk is full, or the store has reached max_store_mb; nothing was done"), "{said}");
    assert!(said.contains("try: see the server's log, the disk"), "{said}");
    assert_eq!(server.stop(), Some(0));
    let log = std::fs::read_to_string(&log_file).unwrap();
    assert!(log.contains("free space on the disk, or raise max_store_mb"), "{log}");
}

#[test]
fn a_file_that_is_held_or_there_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("enginehouse.db").display());
    let server = TestServer::at(&store, &[]);
    let url = server.url.as_str();
    let there = folder.path().join("there");
    std::fs::write(&there, "mine").unwrap();
    let nowhere = format!("sqlite://{}", folder.path().join("no/folder.db").display());
    for (arguments, exit, why, hint) in [
        (&["serve", "--listen", "127.0.0.1:0", "--store", &store][..], 4, "is in use by process", "stop the process"),
        (
            &["backup", there.to_str().unwrap(), "--store", &store],
            4,
            "there is something of this name",
            "overwrites nothing",
        ),
        (&["serve", "--listen", "127.0.0.1:0", "--store", &nowhere], 3, "", "make the folder"),
        (&["serve", "--listen", &url["http://".len()..], "--store", &nowhere], 4, "Address already in use", "--listen"),
    ] {
        let failed = run(url, arguments, "");
        let said = text(&failed.stderr);
        assert_eq!(failed.status.code(), Some(exit), "{said}");
        assert!(said.contains(why) && said.contains(hint) && !said.contains("unavailable"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(there).unwrap(), "mine");
}
