//! A password that stands in the address of a store is in nothing that a command, a server, its log or its metrics say; nor is
//! what callers prove themselves with, or what their events hold.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{TestServer, binary, command, run, text, until};

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

/// The command lines and environments of all processes that may be read.
fn processes() -> String {
    let mut read = String::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let bytes = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        read.push_str(&String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    read
}

/// Tokens of people, of engines and of attempts, right ones and wrong ones, and payloads: planted, and searched for everywhere.
#[tokio::test]
async fn nothing_that_callers_prove_themselves_with_is_said_or_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("house.db");
    let store = format!("sqlite://{}", data_file.display());
    let token = |name: &str, role: &str| {
        let output = command(["token", "create", name, "--role", role, "-q", "--store", &store]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    };
    let (root, fleet, gone) = (token("root", "admin"), token("fleet", "engine"), token("gone", "viewer"));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut serve = command(["serve"]);
    serve.env("ENGINEHOUSE_LOG", "trace").env("ENGINEHOUSE_LOG_REQUESTS", "true").stderr(writer);
    let server = TestServer::with(serve, &store, &["--durability", "relaxed"]);
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    let url = server.url.clone();
    let mut said = String::new();
    let mut call = |token: &str, arguments: &[&str]| {
        let output = command([arguments, &["--url", &url]].concat()).env("ENGINEHOUSE_TOKEN", token).output().unwrap();
        said.push_str(&text(&output.stderr));
        if !arguments.contains(&"-q") {
            said.push_str(&text(&output.stdout));
        }
        (output.status.code(), text(&output.stdout).trim().to_owned())
    };
    let rotated = call(&root, &["token", "rotate", "gone", "-q"]).1;
    let wrong = format!("{}X{}", &root[..20], &root[21..]);
    for (token, status) in [(&wrong, 5), (&gone, 0), (&rotated, 0)] {
        assert_eq!(call(token, &["event", "list"]).0, Some(status));
    }
    assert_eq!(call(&root, &["token", "revoke", "gone", "--yes"]).0, Some(0));
    assert_eq!(call(&rotated, &["event", "list"]).0, Some(5));
    assert_eq!(call(&root, &["event", "enqueue", "a", "\"planted-payload\"", "-q"]).0, Some(0));
    // The command of an engine writes down what it was given; what its process had besides is none of its own.
    let given = folder.path().join("given");
    let script = format!("env > {}; exit 0", given.display());
    let mut engine = command(["engine", "run", "--event-type", "a", "--url", &url, "--", "sh", "-c", &script]);
    let mut engine = engine.env("ENGINEHOUSE_TOKEN", &fleet).env("ENGINEHOUSE_LOG", "trace").spawn().unwrap();
    let is_given = async || {
        let given = std::fs::read_to_string(&given).unwrap_or_default();
        given.contains("ENGINEHOUSE_LOCK_TOKEN").then_some(())
    };
    until("an event is run", is_given).await;
    let listed = processes();
    let id = rustix::process::Pid::from_raw(i32::try_from(engine.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    engine.wait().unwrap();
    let given = std::fs::read_to_string(&given).unwrap();
    let variable = |name: &str| {
        let line = given.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{name} in {given}")).to_owned()
    };
    let (of_attempt, lock) = (variable("ENGINEHOUSE_EVENT_TOKEN"), variable("ENGINEHOUSE_LOCK_TOKEN"));
    assert!(!given.contains(&fleet), "the command of an engine is not given its token");
    for arguments in
        [&["audit", "list", "--all"][..], &["audit", "export"], &["token", "list"], &["stats"], &["doctor"]]
    {
        call(&root, arguments);
    }
    let config = command(["config"]).env("ENGINEHOUSE_TOKEN", &root).output().unwrap();
    said.push_str(&text(&config.stdout));
    assert_eq!(server.stop(), Some(0));
    let log = reading.join().unwrap();
    assert!(log.contains("serving") && log.contains("enginehouse::requests"), "{log}");
    let secret = |token: &str| token.rsplit('_').nth(1).unwrap().to_owned();
    let file = String::from_utf8_lossy(&std::fs::read(&data_file).unwrap()).into_owned();
    for planted in [&root, &fleet, &gone, &rotated, &wrong, &of_attempt].map(|token| secret(token)) {
        for (place, found) in [("a command", &said), ("the log", &log), ("a process", &listed), ("the file", &file)] {
            assert!(!found.contains(&planted), "{planted} is in {place}");
        }
    }
    for planted in [lock.as_str(), "planted-payload"] {
        for (place, found) in [("a command", &said), ("the log", &log), ("a process", &listed)] {
            assert!(!found.contains(planted), "{planted} is in {place}: {found}");
        }
    }
}

/// What a process holds in memory is not written into a file when it crashes.
#[tokio::test]
async fn no_command_leaves_a_core_file() {
    let folder = tempfile::tempdir().unwrap();
    let aborted = async |program: &str, arguments: &str| {
        let script = format!("ulimit -c unlimited; exec {program} {arguments}");
        let mut child = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).spawn().unwrap();
        let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let name = format!("/proc/{}/cmdline", child.id());
        // Until it is the program itself, and has come to where it waits.
        let waits = async || {
            let line = std::fs::read_to_string(&name).unwrap_or_default();
            (line.starts_with(program) && is_asleep(child.id())).then_some(())
        };
        until(program, waits).await;
        rustix::process::kill_process(id, rustix::process::Signal::ABORT).unwrap();
        child.wait().unwrap()
    };
    let other = aborted("sleep", "60").await;
    assert_eq!(other.signal(), Some(6));
    if !other.core_dumped() {
        println!("this machine writes no core files at all");
    }
    let program = binary();
    let store = format!("--store sqlite://{}/house.db --listen 127.0.0.1:0", folder.path().display());
    let ours = aborted(program.to_str().unwrap(), &format!("serve {store}")).await;
    assert_eq!((ours.signal(), ours.core_dumped()), (Some(6), false));
}

fn is_asleep(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
}
