//! `enginehouse schema`, as a person uses it: the binary, on both stores.

use std::path::Path;
use std::process::{Command, Stdio};

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{TestServer, command, text};

/// Runs `enginehouse schema` and answers its exit status with all that it says.
fn schema(arguments: &[&str]) -> (Option<i32>, String) {
    let output = command([&["schema"], arguments].concat()).output().unwrap();
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

#[track_caller]
fn done(arguments: &[&str]) -> String {
    let (status, message) = schema(arguments);
    assert_eq!(status, Some(0), "{arguments:?}: {message}");
    message
}

/// It did not do it, and says why and what to do.
#[track_caller]
fn refused(arguments: &[&str], want_status: i32, why: &str, advice: &str) {
    let (status, message) = schema(arguments);
    assert_eq!(status, Some(want_status), "{arguments:?}: {message}");
    assert!(
        message.contains(why) && message.split("try:").nth(1).is_some_and(|hint| hint.contains(advice)),
        "{message}"
    );
}

fn url_of(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

#[tokio::test]
async fn a_store_is_made_shown_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::new().await;
    let file = url_of(&folder.path().join("a.db"));
    for store in [&file, &database.url()] {
        done(&["up", "--to", "1", "--store", store]);
        done(&["up", "--store", store]);
        let document = done(&["status", "--output", "json", "--store", store]);
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["status"], "up_to_date", "{document}");
        assert_eq!(document["version"], document["newest"]);
        assert_eq!(document["applied"][0]["name"], "engines_and_events");
        assert_eq!(document["applied"][0]["oldest_compatible"], 1);
        refused(&["down", "--to", "99", "--store", store], 4, "there is no version 99", "schema status");
        done(&["down", "--to", "0", "--store", store]);
        refused(&["status", "--store", store], 4, "the schema is at version 0, and this program needs", "schema up");
    }
    assert_eq!(database.schemas().await, ["public"]);
}

/// What is printed is what the runner does.
#[tokio::test]
async fn a_person_with_a_shell_makes_the_same_store() {
    let (native, by_hand) = (TestDatabase::new().await, TestDatabase::new().await);
    let name = "it's my \"Queue\"";
    done(&["up", "--store", &native.url(), "--schema", name]);
    let script = done(&["sql", "--dialect", "postgres", "--schema", name]);
    by_hand.connect().await.batch_execute(&script).await.unwrap();
    assert_eq!(by_hand.catalog(name).await, native.catalog(name).await);
    assert!(done(&["status", "--store", &by_hand.url(), "--schema", name]).contains("up to date"));
    let script = done(&["sql", "--dialect", "postgres", "--schema", name, "--down"]);
    by_hand.connect().await.batch_execute(&script).await.unwrap();
    assert_eq!(by_hand.schemas().await, ["public"]);
}

/// The file says where a server finds its rows, and so it does here.
#[tokio::test]
async fn a_store_is_named_by_the_file_of_settings() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::new().await;
    let file = folder.path().join("enginehouse.toml");
    std::fs::write(&file, format!("store = \"{}\"\nschema = \"queue\"\n", database.url())).unwrap();
    let file = file.display().to_string();
    done(&["up", "--config", &file]);
    assert_eq!(database.schemas().await, ["public", "queue"]);
    assert!(done(&["status", "--config", &file]).contains("up to date"));
    refused(&["status", "--config", &file, "--schema", "other"], 4, "the schema is at version 0", "schema up");
    assert!(done(&["sql", "--config", &file]).contains("create table \"queue\".events"));
}

#[tokio::test]
async fn events_are_not_thrown_away_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let serving = TestServer::on(&file, &[]);
    let enqueued = enginehouse_tests::run(&serving.url, ["event", "enqueue", "a.b"], "");
    assert!(enqueued.status.success(), "{}", text(&enqueued.stderr));
    let store = url_of(&file);
    // A look does not disturb the server; a change has to wait for its end.
    assert!(done(&["status", "--store", &store]).contains("up to date"));
    refused(&["down", "--to", "0", "--store", &store], 4, "is in use by process", "stop the process");
    assert_eq!(serving.stop(), Some(0));
    refused(&["down", "--to", "0", "--store", &store], 4, "the schema holds events", "--discard-data");
    done(&["down", "--to", "0", "--discard-data", "--store", &store]);
}

#[test]
fn a_server_that_only_checks_does_not_start_before_the_migrations() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let store = url_of(&file);
    let tried = || {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--migrate", "check", "--store", &store];
        let output = command(arguments).stdout(Stdio::null()).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (status, message) = tried();
    assert!(status == Some(3) && message.contains("`enginehouse schema up`"), "{message}");
    done(&["up", "--to", "1", "--store", &store]);
    let (status, message) = tried();
    assert!(status == Some(4) && message.contains("try: run `enginehouse schema up`"), "{message}");
    done(&["up", "--store", &store]);
    assert_eq!(TestServer::on(&file, &["--migrate", "check"]).stop(), Some(0));
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    refused(&["status", "--store", nowhere], 6, "error connecting to server", "see that the database runs");
    refused(&["status", "--store", "sqlite://no.db"], 3, "no.db does not exist", "name the data file");
    refused(&["sql", "--from", "9"], 2, "but postgres has migrations 1 to", "name two of them");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    refused(&["export", "--format", "alembic", "--out", &out], 2, "which revision", "alembic heads");
    done(&["export", "--format", "flyway", "--out", &out]);
    done(&["export", "--format", "flyway", "--out", &out]);
    std::fs::write(folder.path().join("V1__enginehouse_engines_and_events.sql"), "-- edited").unwrap();
    refused(&["export", "--format", "flyway", "--out", &out], 4, "is not what would be written", "--from");
}

/// A password in the environment is not for the help text.
#[test]
fn the_help_shows_no_password() {
    let mut help = Command::new(enginehouse_tests::binary());
    help.args(["schema", "status", "--help"]).env("ENGINEHOUSE_STORE", "postgres://ann:secret@db/app");
    let help = text(&help.output().unwrap().stdout);
    assert!(help.contains("ENGINEHOUSE_STORE") && !help.contains("secret"), "{help}");
}
