//! Contexts: servers by name, whose token goes to nobody else, and questions before a change of one in production.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use enginehouse_tests::terminal::OnTerminal;
use enginehouse_tests::{TestServer, command, text};
use tempfile::TempDir;

/// Two servers, the second of which wants a token.
struct TwoServers {
    folder: TempDir,
    open: TestServer,
    closed: TestServer,
    token: String,
}

impl TwoServers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let store = format!("sqlite://{}", file("closed.db").display());
        let made = command(["token", "create", "root", "--role", "admin", "-q", "--store", &store]).output().unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        let open = TestServer::on(&file("open.db"), &["--durability", "relaxed"]);
        let closed = TestServer::on(&file("closed.db"), &["--durability", "relaxed"]);
        Self { open, closed, token: text(&made.stdout).trim().to_owned(), folder }
    }

    fn contexts(&self) -> PathBuf {
        self.folder.path().join("settings/contexts.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("ENGINEHOUSE_CONTEXT_FILE", self.contexts());
        command
    }

    /// Runs it to its end, and finds the secret in nothing that it shows.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.ended(self.command(arguments).output().unwrap())
    }

    #[track_caller]
    fn ended(&self, output: Output) -> (Option<i32>, String) {
        let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!shown.contains(&self.token[17..60]), "{shown}");
        (output.status.code(), shown)
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let (status, shown) = self.run(arguments);
        assert_eq!(status, Some(0), "{arguments:?}: {shown}");
        shown
    }

    /// Makes the context `prod`, of the server that wants a token, with the token in the file of contexts.
    fn add_prod(&self, more: &[&str]) {
        let add = ["context", "add", "prod", "--url", &self.closed.url, "--token-stdin"];
        let token_file = self.folder.path().join("token");
        fs::write(&token_file, &self.token).unwrap();
        fs::set_permissions(&token_file, fs::Permissions::from_mode(0o600)).unwrap();
        let mut add = self.command(&[&add, more].concat());
        let (status, shown) = self.ended(add.stdin(Stdio::from(fs::File::open(token_file).unwrap())).output().unwrap());
        assert_eq!(status, Some(0), "{shown}");
        assert!(shown.contains(&format!("kept here, accessor {}", &self.token[4..16])), "{shown}");
    }
}

#[test]
fn a_context_is_used_by_its_name_or_as_the_current_one() {
    let two = TwoServers::new();
    two.add_prod(&[]);
    let mode = fs::metadata(two.contexts()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    two.ok(&["context", "add", "dev", "--url", &two.open.url]);
    two.ok(&["stats", "--context", "prod"]);
    // Nothing is current yet, and the default address has no server of ours.
    assert!(two.ok(&["context", "list"]).lines().skip(1).all(|line| line.contains(" no ")));
    two.ok(&["context", "use", "prod"]);
    two.ok(&["queue", "pause", "of-prod"]);
    assert!(two.ok(&["context", "show"]).contains(&two.closed.url));
    assert!(two.ok(&["queue", "list", "--context", "prod", "-q"]).contains("of-prod"));
    assert!(!two.ok(&["queue", "list", "--context", "dev", "-q"]).contains("of-prod"));
    for output in ["json", "yaml", "jsonl", "wide", "name"] {
        two.ok(&["context", "show", "prod", "-o", output]);
        two.ok(&["context", "list", "-o", output]);
    }

    let (status, shown) = two.run(&["stats", "--context", "prdo"]);
    assert!(status == Some(2) && shown.contains("did you mean prod?"), "{shown}");
    let (status, shown) = two.run(&["context", "use", "prdo"]);
    assert!(status == Some(3) && shown.contains("did you mean prod?"), "{shown}");
    let (status, shown) = two.run(&["context", "add", "prod", "--url", ":1"]);
    assert!(status == Some(4) && shown.contains("--replace"), "{shown}");
    two.ok(&["context", "remove", "prod"]);
    assert!(!fs::read_to_string(two.contexts()).unwrap().contains(&two.token));
    let (status, shown) = two.run(&["context", "show"]);
    assert!(status == Some(1) && shown.contains("no context is the current one"), "{shown}");
}

#[test]
fn what_is_said_comes_before_the_context_and_its_token_goes_to_its_own_server_alone() {
    let two = TwoServers::new();
    two.add_prod(&["--use"]);
    let status = |command: &mut Command| two.ended(command.output().unwrap());
    // The server that wants the token, named by its address: that of the context is not sent.
    let closed = two.closed.url.as_str();
    assert_eq!(two.run(&["stats", "--url", closed]).0, Some(5));
    assert_eq!(status(two.command(&["stats"]).env("ENGINEHOUSE_URL", closed)).0, Some(5));
    let with_token = status(two.command(&["stats", "--url", closed]).env("ENGINEHOUSE_TOKEN", &two.token));
    assert_eq!(with_token.0, Some(0), "{}", with_token.1);
    // A flag comes before a variable, whichever of the two it is.
    let open = two.open.url.as_str();
    assert_eq!(status(two.command(&["stats", "--context", "prod"]).env("ENGINEHOUSE_URL", ":1")).0, Some(0));
    assert_eq!(status(two.command(&["stats", "--url", open]).env("ENGINEHOUSE_CONTEXT", "prod")).0, Some(0));
    for (name, value) in [("ENGINEHOUSE_CONTEXT", "prod"), ("ENGINEHOUSE_CONTEXT", "")] {
        let (code, shown) = status(two.command(&["stats"]).env("ENGINEHOUSE_URL", open).env(name, value));
        assert_eq!(code, Some(if value.is_empty() { 0 } else { 2 }), "{shown}");
    }
    let (code, shown) = two.run(&["stats", "--url", open, "--context", "prod"]);
    assert!(code == Some(2) && shown.contains("both name a server"), "{shown}");
    // A token that is said comes before that of the context.
    let wrong = status(two.command(&["stats"]).env("ENGINEHOUSE_TOKEN", "eh1_wrong"));
    assert_eq!(wrong.0, Some(5), "{}", wrong.1);
    // What others can read is used by nobody.
    fs::set_permissions(two.contexts(), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, shown) = two.run(&["stats"]);
    assert!(code == Some(2) && shown.contains("chmod 600"), "{shown}");
}

#[test]
fn a_change_of_production_is_asked_about_and_refused_off_a_terminal() {
    let two = TwoServers::new();
    two.add_prod(&["--production", "--use"]);
    for change in [
        &["queue", "pause", "eu"][..],
        &["event", "enqueue", "render"],
        &["token", "create", "a", "--role", "viewer"],
        &["engine", "run", "--event-type", "t", "--", "true"],
        &["bench", "--events", "1"],
    ] {
        let (status, shown) = two.run(change);
        assert_eq!(status, Some(9), "{change:?}: {shown}");
        assert!(shown.contains("Context prod (") && shown.contains(&change.join(" ")), "{shown}");
    }
    two.ok(&["stats"]);
    two.ok(&["event", "cancel", "--all", "--dry-run"]);
    assert!(!two.ok(&["queue", "list", "-q"]).contains("eu"));

    for (answer, status) in [("n\n", 9), ("\n", 9), ("y\n", 0)] {
        let mut asked = OnTerminal::with(two.command(&["queue", "pause", "eu"]), 300);
        asked.shows("is production. Go on with `enginehouse queue pause eu`? [y/N]");
        asked.types(answer);
        let (ended, shown) = asked.ended();
        assert_eq!(ended, Some(status), "{shown}");
        assert_eq!(two.ok(&["queue", "list", "-q"]).contains("eu"), status == 0);
    }
    two.ok(&["queue", "resume", "eu", "--yes"]);
    // With the store itself nothing is asked: that is another way, and no server's.
    let other = format!("sqlite://{}", two.folder.path().join("other.db").display());
    two.ok(&["token", "create", "b", "--role", "viewer", "--store", &other, "--expires-in", "1d"]);
}
