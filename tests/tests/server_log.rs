//! The log of a server: the access log, its two formats, and its colours.

use std::io::{BufRead, BufReader, Read, Write, pipe};
use std::process::{Command, Stdio};

use enginehouse_tests::{TestServer, command, run, text};
use serde_json::Value;

/// A server with a log, what it said on stdout at first, and all that it logs until it ends.
fn logged(flags: &[&str], use_it: impl FnOnce(&str)) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (mut reader, writer) = pipe().unwrap();
    let store = format!("sqlite://{}", folder.path().join("enginehouse.db").display());
    let mut serve = command(["serve", "--store", &store, "--listen", "127.0.0.1:0", "--until-stdin-ends"]);
    serve.env_remove("ENGINEHOUSE_LOG").args(flags);
    let mut child = serve.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    // The other end of the log is the server's alone.
    drop(serve);
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let url = first.split(['"', ' ']).find(|word| word.starts_with("http://")).unwrap();
    use_it(url);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    (first, reading.join().unwrap())
}

/// Sends one request with an id of its own.
fn get(url: &str, path: &str, id: &str) {
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {id}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}

fn ask_twice(url: &str) {
    get(url, "/v1/events?status=queued", "good");
    get(url, "/v1/events/0193f2a0-0000-7000-8000-000000000000", "bad");
}

/// A line as an object without anything in it but texts, numbers and truth values.
#[track_caller]
fn flat(line: &str) -> Value {
    let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let fields = object.as_object().unwrap_or_else(|| panic!("{line}"));
    assert!(fields.values().all(|value| !value.is_object() && !value.is_array()), "{line}");
    for name in ["timestamp", "level", "target"] {
        assert!(fields[name].is_string(), "{line}");
    }
    object
}

#[test]
fn every_line_is_a_flat_object_if_json_is_asked_for() {
    let flags = ["--log-format", "json", "--log", "trace", "--log-requests"];
    let (first, log) = logged(&flags, |url| {
        assert!(run(url, ["event", "enqueue", "a"], "").status.success());
        ask_twice(url);
    });
    let listening = flat(&first);
    let url = listening["url"].as_str().unwrap();
    assert_eq!(listening["message"], format!("listening on {url}"));
    assert_eq!(listening["docs"], format!("{url}/docs"));
    let lines: Vec<_> = log.lines().map(flat).collect();
    assert!(lines.iter().any(|line| line["message"] == "serving") && lines.len() >= 10, "{log}");
    let of = |id: &str| {
        let mut found =
            lines.iter().filter(|line| line["target"] == "enginehouse::requests" && line["request_id"] == id);
        let line = found.next().unwrap_or_else(|| panic!("{id} in {log}"));
        assert!(found.next().is_none(), "once each: {log}");
        line
    };
    let good = of("good");
    for (name, want) in [
        ("level", "INFO"),
        ("message", "request"),
        ("principal", "anonymous"),
        ("address", "127.0.0.1"),
        ("method", "GET"),
        ("path", "/v1/events"),
        ("route", "/v1/events"),
    ] {
        assert_eq!(good[name], want, "{good}");
    }
    assert_eq!((&good["status"], &good["code"]), (&Value::from(200), &Value::Null));
    let took = good["duration_seconds"].as_f64().unwrap();
    assert!(took > 0.0 && took < 60.0, "{good}");
    let bad = of("bad");
    assert_eq!((&bad["status"], &bad["code"]), (&Value::from(404), &Value::from("not_found")));
    assert_eq!(bad["route"], "/v1/events/{event_id}");
    assert_eq!(bad["path"], "/v1/events/0193f2a0-0000-7000-8000-000000000000");
}

#[test]
fn requests_are_logged_as_text_if_they_are_asked_for_and_not_otherwise() {
    let (first, log) = logged(&["--log-requests", "--log", "warn"], ask_twice);
    assert!(first.starts_with("listening on http://127.0.0.1:") && first.contains("(docs at http://"), "{first}");
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "whatever else is logged: {log}");
    for (line, id, end) in [(lines[0], "good", "status=200"), (lines[1], "bad", "status=404 code=\"not_found\"")] {
        let begins = format!("INFO enginehouse::requests: request request_id=\"{id}\" principal=\"anonymous\"");
        assert!(line.contains(&begins) && line.contains(end) && line.contains("duration_seconds="), "{line}");
    }
    let (_, log) = logged(&[], ask_twice);
    assert!(log.contains("serving") && !log.contains("request_id"), "{log}");
}

/// Whoever reads the lines of a log reads why a server did not start, too.
#[test]
fn a_server_that_does_not_start_says_why_in_its_format() {
    let serve = ["serve", "--store", "sqlite:///no/such/folder/e.db", "--listen", "127.0.0.1:0", "--log-format"];
    let json = command([&serve[..], &["json"]].concat()).output().unwrap();
    let last = flat(text(&json.stderr).lines().last().unwrap());
    assert!(last["level"] == "ERROR" && last["why"].as_str().unwrap().contains("/no/such/folder"), "{last}");
    assert!(last["message"] == "the data file cannot be opened" && last["try"].is_string(), "{last}");
    let people = command([&serve[..], &["text"]].concat()).output().unwrap();
    assert!(
        text(&people.stderr).contains("error: the data file cannot be opened\n  why: "),
        "{}",
        text(&people.stderr)
    );
    assert_eq!(json.status.code(), people.status.code());
}

/// A terminal, as `script` makes one.
#[test]
fn a_terminal_has_colours_unless_they_are_not_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("enginehouse.db").display());
    let binary = enginehouse_tests::binary().display().to_string();
    let line = format!("{binary} serve --store {store} --listen 127.0.0.1:0 --until-stdin-ends");
    for (no_color, has_colours) in [(None, true), (Some(""), true), (Some("1"), false)] {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
        script.env_remove("NO_COLOR").env_remove("ENGINEHOUSE_LOG");
        if let Some(value) = no_color {
            script.env("NO_COLOR", value);
        }
        let shown = text(&script.output().unwrap().stdout);
        assert!(shown.contains("serving"), "{shown}");
        assert_eq!(shown.contains('\u{1b}'), has_colours, "{no_color:?}: {shown:?}");
    }
}

/// A server that is used without its log being looked at is [`TestServer`]; it finds its address in either format.
#[test]
fn a_program_finds_the_address_in_either_format() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let server = TestServer::on(&folder.path().join("enginehouse.db"), &["--log-format", format]);
        assert!(run(&server.url, ["event", "list"], "").status.success());
        assert_eq!(server.stop(), Some(0));
    }
}
