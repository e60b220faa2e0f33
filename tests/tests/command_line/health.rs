//! `enginehouse health`, for the health check of a container.

use enginehouse_tests::{TestServer, command, run, text};

#[test]
fn a_server_is_ready_or_the_exit_status_says_that_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let store = format!("sqlite://{}", data_file.display());
    let made = command(["token", "create", "root", "--role", "admin", "--store", &store]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = TestServer::on(&data_file, &[]);
    let url = server.url.clone();
    // Without a token, on a server that asks everybody for one.
    let ready = run(&url, ["health"], "");
    assert_eq!((ready.status.code(), text(&ready.stdout).contains("ready")), (Some(0), true));
    let ready = run(&url, ["health", "-o", "json"], "");
    assert_eq!(text(&ready.stdout).split_whitespace().collect::<String>(), r#"{"status":"ready"}"#);
    server.kill();
    let gone = run(&url, ["health"], "");
    assert_eq!(gone.status.code(), Some(6));
    assert!(text(&gone.stderr).contains("error: the server is not ready"), "{}", text(&gone.stderr));
}
