//! A password that stands in the address of a store is in nothing that a command, a server, its log or its metrics say.

use std::io::Read;
use std::process::Command;

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{TestServer, command, run, text};

/// What must not be found.
const PASSWORD: &str = "hunter2";

/// Addresses that hold it, rightly and wrongly written. Nothing listens there.
const ADDRESSES: [&str; 8] = [
    "postgres://ann:hunter2@127.0.0.1:1/d",
    "postgres://127.0.0.1:1/d?user=ann&password=hunter2",
    "postgres://ann:p@hunter2@127.0.0.1:1/d",
    "postgres://127.0.0.1:1/d?user=ann&password=p@hunter2",
    "postgres://ann:hunter2",
    "postgres:/ann:hunter2@127.0.0.1:1/d",
    "host=127.0.0.1 port=1 user=ann password=hunter2",
    "mysql://ann:hunter2@127.0.0.1:1/d",
];

/// Commands that are about a store.
const COMMANDS: [&[&str]; 9] = [
    &["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--log-format", "json"],
    &["config"],
    &["config", "--output", "json"],
    &["doctor"],
    &["doctor", "--output", "json"],
    &["schema", "status"],
    &["schema", "up"],
    &["schema", "down", "--to", "0"],
    &["backup", "no-such-folder/backup.db"],
];

/// Runs it to its end, and looks for the password in all that it says.
#[track_caller]
fn keeps_it(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!said.contains(PASSWORD), "{command:?}: {said}");
    said
}

#[test]
fn no_command_says_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("enginehouse.toml");
    let in_folder = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.current_dir(folder.path());
        command
    };
    let mut hidden = 0;
    let mut count = |said: String| hidden += usize::from(said.contains("***"));
    for address in ADDRESSES {
        for arguments in COMMANDS {
            count(keeps_it(in_folder(&[arguments, &["--store", address]].concat())));
        }
        // However the address is given.
        let mut by_variable = in_folder(&["config"]);
        by_variable.env("ENGINEHOUSE_STORE", address);
        count(keeps_it(by_variable));
        for text in
            [format!("store = \"{address}\"\n"), format!("store = \"{address}\n"), format!("\"{address}\" = 1\n")]
        {
            std::fs::write(&file, text).unwrap();
            for arguments in [&["config"][..], &["serve", "--listen", "127.0.0.1:0"], &["doctor"]] {
                count(keeps_it(in_folder(&[arguments, &["--config", "enginehouse.toml"]].concat())));
            }
        }
        let (from, to) = ("sqlite://from.db", "sqlite://to.db");
        keeps_it(in_folder(&["store", "copy", "--from", address, "--to", to]));
        keeps_it(in_folder(&["store", "copy", "--from", from, "--to", address]));
        // Where it has no place.
        count(keeps_it(in_folder(&["serve", address])));
        count(keeps_it(in_folder(&["serve", &format!("--max-retries={address}")])));
        keeps_it(in_folder(&["event", "list", "--url", address]));
        let mut help = in_folder(&["event", "list", "--help"]);
        help.env("ENGINEHOUSE_URL", address);
        keeps_it(help);
    }
    assert!(hidden > 40, "most say that something is left out: {hidden}");
}

#[tokio::test]
async fn no_server_says_a_password() {
    let database = TestDatabase::new().await;
    let address = database.url();
    // The server of the tests asks for none, and takes any.
    let (who, place) = address.split_once('@').unwrap();
    let with_password = format!("{who}:{PASSWORD}@{place}");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut serve = command(["serve"]);
    serve.env("ENGINEHOUSE_LOG", "trace").env("ENGINEHOUSE_LOG_REQUESTS", "true").stderr(writer);
    let server = TestServer::with(serve, &with_password, &["--durability", "relaxed"]);
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    let url = server.url.clone();
    for arguments in [&["event", "enqueue", "a"][..], &["event", "list"], &["engine", "list"], &["dead", "list"]] {
        let output = run(&url, arguments, "");
        assert!(output.status.success() && !text(&output.stdout).contains(PASSWORD), "{arguments:?}");
    }
    for line in server.metrics("").await {
        assert!(!line.0.contains(PASSWORD), "{}", line.0);
    }
    // With a database that goes away under it, and comes back for others.
    let admin = database.connect().await;
    let others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    admin.batch_execute(others).await.unwrap();
    run(&url, ["event", "enqueue", "a"], "");
    for arguments in [&["schema", "status"][..], &["doctor"], &["config"]] {
        keeps_it({
            let mut command = command(arguments);
            command.args(["--store", &with_password]);
            command
        });
    }
    assert_eq!(server.stop(), Some(0));
    let log = reading.join().unwrap();
    assert!(log.contains("serving") && log.contains("enginehouse::requests"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}
