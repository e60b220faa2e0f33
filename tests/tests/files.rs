//! One server for each data file whatever it is called, and none on a file that was taken away.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Stdio;

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_tests::{TestServer, command, text, until};

const ANY_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// Starts a server that is to refuse. Answers its exit status and what it says.
fn refused(data_file: &Path) -> (Option<i32>, String) {
    let store = format!("sqlite://{}", data_file.display());
    let output = command(["serve", "--store", &store]).args(ANY_PORT).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), text(&output.stderr))
}

fn event() -> EnqueueRequest {
    EnqueueRequest { event_type: "a".to_owned(), ..EnqueueRequest::default() }
}

#[tokio::test]
async fn a_second_server_is_refused_by_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &[]);
    let (hard_link, link, through) =
        (folder.path().join("hard.db"), folder.path().join("link.db"), folder.path().join("folder"));
    fs::hard_link(&data_file, &hard_link).unwrap();
    std::os::unix::fs::symlink(&data_file, &link).unwrap();
    std::os::unix::fs::symlink(folder.path(), &through).unwrap();
    for name in [&hard_link, &link, &through.join("enginehouse.db")] {
        let (status, message) = refused(name);
        assert_eq!(status, Some(4), "{message}");
        assert!(message.contains(&format!("in use by process {}", server.pid())), "{message}");
    }
    server.client().enqueue(&event()).await.expect("the first server goes on");
    assert_eq!(server.stop(), Some(0));
    let (status, message) = refused(&hard_link);
    assert_eq!(status, Some(4), "{message}");
    assert!(message.contains("2 names (hard links)"), "{message}");
    fs::remove_file(&hard_link).unwrap();
    let again = TestServer::on(&link, &[]);
    assert_eq!(again.client().stats().await.unwrap().events.queued, 1);
}

/// Only root may make such a mount, and a container may forbid it to root, too.
#[test]
fn a_second_server_is_refused_through_a_mount() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &[]);
    let elsewhere = folder.path().join("elsewhere.db");
    fs::write(&elsewhere, "").unwrap();
    // In a name space of its own, which takes the mount along when the command ends.
    let script = format!(
        "mount --bind '{}' '{}' || exit 99; exec \"$0\" serve --store 'sqlite://{1}' --listen 127.0.0.1:0",
        data_file.display(),
        elsewhere.display()
    );
    let mut unshare = std::process::Command::new("unshare");
    let output = unshare.args(["--mount", "sh", "-c", &script]).arg(enginehouse_tests::binary()).output();
    let Some(output) = output.ok().filter(|output| !matches!(output.status.code(), Some(1 | 99) | None)) else {
        println!("skipped: nothing can be mounted here");
        return;
    };
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains(&format!("in use by process {}", server.pid())), "{message}");
}

/// It says 503 and stops, although nobody may be calling: whatever it answered from now on would be gone.
#[tokio::test]
async fn a_server_stops_when_its_files_are_taken_away() {
    type TakeAway = fn(&Path);
    let cases: [(&str, &str, TakeAway); 3] = [
        ("enginehouse.db", "was removed or renamed", |path| fs::remove_file(path).unwrap()),
        ("enginehouse.db-wal", "was removed or renamed", |path| fs::remove_file(path).unwrap()),
        ("enginehouse.db", "was replaced by another file", |path| {
            fs::rename(path, path.with_extension("away")).unwrap();
            fs::write(path, "").unwrap();
        }),
    ];
    for (name, what, take_away) in cases {
        for is_called in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let data_file = folder.path().join("enginehouse.db");
            let log = folder.path().join("log");
            let mut serve = command(["serve"]);
            serve.stderr(fs::File::create(&log).unwrap());
            let server = TestServer::with(serve, &format!("sqlite://{}", data_file.display()), &[]);
            let client = server.client();
            client.enqueue(&event()).await.unwrap();
            take_away(&folder.path().join(name));
            if is_called {
                let error = client.enqueue(&event()).await.expect_err("nothing is promised");
                assert!(!error.maybe_applied(), "{name}: {error}");
            }
            assert_eq!(server.ended(), Some(1), "{name}");
            let said = fs::read_to_string(&log).unwrap();
            assert!(said.contains("error: the server has stopped by itself") && said.contains(what), "{said}");
        }
    }
}

#[tokio::test]
async fn a_log_without_its_data_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("enginehouse.db");
    let server = TestServer::on(&data_file, &[]);
    server.client().enqueue(&event()).await.unwrap();
    server.kill();
    let away = folder.path().join("away.db");
    fs::rename(&data_file, &away).unwrap();
    for is_empty in [false, true] {
        if is_empty {
            fs::write(&data_file, "").unwrap();
        }
        let (status, message) = refused(&data_file);
        assert_eq!(status, Some(4), "{message}");
        assert!(message.contains("put the data file back beside its log"), "{message}");
        assert_eq!(data_file.exists(), is_empty, "nothing was made");
    }
    fs::rename(&away, &data_file).unwrap();
    let client = TestServer::on(&data_file, &[]);
    until("the event is there", async || (client.client().stats().await.ok()?.events.queued == 1).then_some(())).await;
}

/// Whatever the system would let others do with a new file.
fn openly(arguments: &[&str]) -> std::process::Command {
    let prepared = command([] as [&str; 0]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(enginehouse_tests::binary()).args(arguments);
    for (name, value) in prepared.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
}

#[tokio::test]
async fn what_is_made_is_for_its_owner_alone_and_never_made_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let store = |name: &str| format!("sqlite://{}", path(name).display());
    let socket = format!("unix:{}", path("http.sock").display());
    let server = TestServer::with(openly(&["serve"]), &store("enginehouse.db"), &["--listen", &socket]);
    server.client().enqueue(&event()).await.unwrap();
    let backup = |to: &str| {
        let to = path(to);
        openly(&["backup", to.to_str().unwrap(), "--store", &store("enginehouse.db")]).output().unwrap()
    };
    let output = backup("backup.db");
    assert!(output.status.success(), "{}", text(&output.stderr));
    symlink(path("elsewhere"), path("link.db")).unwrap();
    assert_eq!(backup("link.db").status.code(), Some(4), "the name is taken");
    let each_mode = || {
        for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let found = fs::symlink_metadata(file.path()).unwrap();
            assert!(found.is_symlink() || found.mode() & 0o777 == 0o600, "{:?}: {:o}", file.file_name(), found.mode());
        }
    };
    // Data file, log, index, backup, socket and the link.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
    each_mode();
    assert_eq!(server.stop(), Some(0));
    let copy =
        |to: &str| openly(&["store", "copy", "--from", &store("enginehouse.db"), "--to", &store(to)]).output().unwrap();
    let output = copy("copy.db");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!copy("link.db").status.success(), "a link to nowhere is not followed");
    each_mode();
    assert!(!path("elsewhere").exists());
}
