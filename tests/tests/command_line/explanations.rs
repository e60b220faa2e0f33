//! Why something waits, who is suspect and who is in quarantine: what people are shown, and what programs get.

use std::process::Command;

use enginehouse_api::engines::RegisterRequest;
use enginehouse_api::settle::{SettleOutcome, SettleRequest, Settlement};
use enginehouse_core::ids::EngineId;
use enginehouse_tests::{TestServer, binary, run, text, without_variables};
use serde_json::{Value, json};

/// A server, and engines that only tests work with: they send no heartbeats.
struct Fleet {
    server: TestServer,
    _folder: tempfile::TempDir,
}

impl Fleet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { server: TestServer::on(&folder.path().join("enginehouse.db"), &[]), _folder: folder }
    }

    async fn engine(&self, engine_id: &str, memory_limit_mb: u64) {
        let about = json!({
            "engine_type": "sim",
            "heartbeat_interval_seconds": 0,
            "metadata": { "static_config": {
                "capabilities": ["gpu"],
                "resource_limits": { "max_concurrent_events": 5, "memory_limit_mb": memory_limit_mb },
            } },
        });
        let request: RegisterRequest = serde_json::from_value(about).unwrap();
        self.server.client().register(&engine_id.parse().unwrap(), &request).await.unwrap();
    }

    /// Has an engine claim up to so many events of a type, and answers with their ids and tokens.
    async fn claim(&self, engine_id: &str, event_type: &str, limit: u32) -> Vec<Settlement> {
        let asked = json!({ "epoch": 1, "limit": limit, "event_types": [event_type] });
        let engine_id: EngineId = engine_id.parse().unwrap();
        let claimed = self.server.client().claim(&engine_id, &serde_json::from_value(asked).unwrap()).await.unwrap();
        let held = |event: enginehouse_api::events::Event| {
            Settlement::new(event.event_id, event.lock.unwrap().token.unwrap(), SettleOutcome::Complete)
        };
        claimed.events.into_iter().map(held).collect()
    }

    /// Has an engine claim one event and complete it, or fail at it.
    async fn work(&self, engine_id: &str, completes: bool) {
        self.done("event enqueue frame.render -q");
        let done = self.claim(engine_id, "frame.render", 1).await.remove(0);
        let error = serde_json::from_value(json!({ "message": "no" })).unwrap();
        let settlement = match completes {
            true => done,
            false => Settlement {
                error: Some(error),
                retryable: Some(false),
                ..Settlement::new(done.event_id, done.lock_token, SettleOutcome::Fail)
            },
        };
        self.server.client().settle(&SettleRequest { settlements: vec![settlement] }).await.unwrap();
    }

    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let output = run(&self.server.url, line.split_whitespace(), "");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// Runs a command that has to succeed, and answers what it printed.
    fn done(&self, line: &str) -> String {
        let (status, printed, said) = self.run(line);
        assert_eq!(status, Some(0), "{line}: {said}");
        printed
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} -o json"))).unwrap()
    }
}

/// A session of a document: each command, and what it is said to print.
fn sessions(document: &str) -> Vec<Vec<(String, String)>> {
    let blocks = document.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let session = |block: &str| {
        let mut commands: Vec<(String, String)> = Vec::new();
        for line in block.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), String::new())),
                (None, Some((_, printed))) => *printed += &format!("{line}\n"),
                (None, None) => panic!("a session begins with a command: {line}"),
            }
        }
        commands
    };
    blocks.map(session).collect()
}

/// The words of a text, those left out that differ every time: ids, moments, and how long ago something was.
fn words(printed: &str) -> Vec<String> {
    let word = |word: &str| {
        let plain = word.trim_end_matches([',', ';', ':']);
        match plain {
            _ if plain.len() == 36 && plain.matches('-').count() == 4 => "ID".to_owned(),
            _ if plain.ends_with('Z') && plain.contains('T') => "MOMENT".to_owned(),
            _ => word.to_owned(),
        }
    };
    let mut words: Vec<String> = printed.split_whitespace().map(word).collect();
    let ago: Vec<_> = (1..words.len()).filter(|place| words[*place] == "ago").collect();
    ago.into_iter().for_each(|place| words[place - 1] = "N".to_owned());
    words
}

/// Makes sure that a command has printed what a document says, where `…` stands for anything.
fn check(command: &str, said: &str, printed: &str) {
    let (said_words, words) = (words(said), words(printed));
    let mut rest = &words[..];
    for (place, part) in said_words.split(|word| word == "…").enumerate() {
        let found = match place {
            0 => rest.starts_with(part).then_some(0),
            _ => (0..=rest.len().saturating_sub(part.len())).find(|at| rest[*at..].starts_with(part)),
        };
        let Some(at) = found else {
            panic!("$ {command}\nprinted:\n{printed}\nand the document says:\n{said}\nmissing: {}", part.join(" "))
        };
        rest = &rest[at + part.len()..];
    }
    let open = said_words.last().is_some_and(|word| word == "…");
    assert!(open || rest.is_empty(), "$ {command}\nprinted more than the document says:\n{printed}");
}

#[expect(clippy::disallowed_methods, reason = "the shell of a session finds its programs where this test would")]
fn path() -> std::ffi::OsString {
    let folders = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let binary = binary();
    std::env::join_paths(std::iter::once(binary.parent().unwrap().to_owned()).chain(folders)).unwrap()
}

/// Runs a session in one shell, and compares what each command prints. Variables of sessions before are there.
fn walk(fleet: &Fleet, session: &[(String, String)], event: &mut String) {
    let mut script = format!("event={event}\n");
    for (command, _) in session {
        script += &format!("{command} 2>&1\necho \"@@ $event\"\n");
        // The warning of an enqueue goes to stderr, and is shown; its id is kept.
        script = script.replace("-q) 2>&1", "-q)");
    }
    let mut bash = Command::new("bash");
    // What sets tests up is nothing to commands.
    without_variables(&mut bash);
    let output = bash
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .env("PATH", path())
        .env("ENGINEHOUSE_URL", &fleet.server.url)
        .output()
        .expect("bash is there");
    let printed = text(&output.stdout);
    let mut parts = printed.split_inclusive("@@ ");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for (command, said) in session {
        let printed = rest.trim_end_matches("@@ ").to_owned();
        check(command, said, &printed);
        let next = parts.next().unwrap_or_default();
        let (id, next) = next.split_once('\n').unwrap_or((next, ""));
        id.trim().clone_into(event);
        next.clone_into(&mut rest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_the_document_print_what_it_says() {
    let fleet = Fleet::new();
    fleet.engine("sim-1", 100).await;
    fleet.engine("sim-2", 80).await;
    let sessions = sessions(include_str!("../../../docs/why.md"));
    let [typo, corrected, paused, large, engine, blocked] = &sessions[..] else { panic!("there are six sessions") };
    let mut event = String::new();
    for session in [typo, corrected, paused] {
        walk(&fleet, session, &mut event);
    }
    for _ in 0..3 {
        fleet.done("event enqueue thumb --memory-mb 30");
    }
    assert_eq!(fleet.claim("sim-1", "thumb", 9).await.len(), 3);
    for session in [large, engine, blocked] {
        walk(&fleet, session, &mut event);
    }
    // The first screen shows the first of them, by its id.
    let readme = include_str!("../../../README.md");
    let shown = readme.split("$ enginehouse event explain ").nth(1).expect("the README explains an event");
    let (_, said) = shown.split("```").next().unwrap().split_once('\n').unwrap();
    let wrong =
        text(&run(&fleet.server.url, ["event", "enqueue", "frame.render", "--capability", "gpuu", "-q"], "").stdout);
    check("event explain", &format!("{said}\n…"), &fleet.done(&format!("event explain {}", wrong.trim())));
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_explanations_as_documents_and_ids() {
    let fleet = Fleet::new();
    fleet.engine("sim-1", 100).await;
    let id = fleet.done("event enqueue frame.render --capability gpuu -q");
    let id = id.trim();
    let why = fleet.json(&format!("event explain {id} --engine sim-1"));
    assert_eq!((&why["verdict"], &why["asked_engine"]["engine_id"]), (&"impossible".into(), &"sim-1".into()));
    assert_eq!(why["smallest_change"][0]["capabilities"][0], "gpuu");
    assert_eq!(fleet.json("engine explain sim-1")["kept_from"][0]["gate"], "capabilities");
    assert_eq!(fleet.json("blocked")["items"][0]["first_event_id"], id);
    for (line, ids) in [
        (format!("event explain {id}"), id),
        ("engine explain sim-1".to_owned(), "sim-1"),
        ("blocked".to_owned(), id),
        ("blocked --verdict runnable".to_owned(), ""),
        ("suspects".to_owned(), ""),
    ] {
        assert_eq!(fleet.done(&format!("{line} -q")).trim_end(), ids, "{line}");
        for format in ["jsonl", "yaml", "wide"] {
            let printed = fleet.done(&format!("{line} -o {format}"));
            assert!(ids.is_empty() || printed.contains(ids) || format == "wide", "{line} -o {format}: {printed}");
        }
    }
    assert!(fleet.done("blocked -o wide").contains("give sim-1 the capability gpuu"));
    for (line, status, told) in [
        ("event explain 0193f2a0-0000-7000-8000-000000000000", 3, "enginehouse event list"),
        ("event explain nonsense", 2, "an event id looks like"),
        (&format!("event explain {id} --engine nobody"), 3, "no engine nobody is registered"),
        (&format!("event explain {id} --time utc -o json"), 2, "--time is for people"),
        (&format!("event show {id} --time local -q"), 2, "--time is for people"),
        ("engine explain nobody", 3, "enginehouse engine list --stopped"),
        ("engine explain sim-1 --time local -o yaml", 2, "--time is for people"),
        ("stats --time local -o yaml", 2, "--time is for people"),
        ("blocked --verdict finished", 2, "impossible, blocked, waiting, runnable"),
        ("blocked --limit 0", 2, "--limit"),
        ("suspects sim-1", 2, "unexpected argument"),
    ] {
        let (exit, printed, said) = fleet.run(line);
        assert_eq!((exit, printed.as_str()), (Some(status), ""), "{line}: {said}");
        assert!(said.contains(told), "{line}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_is_put_in_quarantine_seen_to_be_and_lifted() {
    let fleet = Fleet::new();
    for engine_id in ["sim-1", "sim-2"] {
        fleet.engine(engine_id, 100).await;
    }
    let put = fleet.done("engine quarantine sim-1 --reason fan --until 2h --event-type frame.render --event-type b");
    assert!(put.starts_with("sim-1  active, quarantined until ") && put.ends_with("Z, 0 events in hand\n"), "{put}");
    let put = fleet.done("engine quarantine sim-2 --reason loud");
    assert_eq!(put, "sim-2  active, quarantined until it is lifted, 0 events in hand\n");
    let shown = fleet.json("engine show sim-1")["quarantine"].clone();
    assert_eq!((&shown["reason"], &shown["event_types"]), (&"fan".into(), &json!(["frame.render", "b"])));
    let shown = fleet.done("engine show sim-1");
    assert!(shown.contains("quarantine       fan (from frame.render, b, since 20"), "{shown}");
    let listed = fleet.done("engine list");
    assert_eq!(listed.matches(" sim   active, quarantined ").count(), 2, "{listed}");
    let listed = fleet.done("engine list -o wide");
    assert!(listed.contains("ends in 1h59m, from frame.render, b: fan"), "{listed}");
    assert!(listed.contains("until it is lifted, from everything: loud"), "{listed}");
    let id = fleet.done("event enqueue frame.render -q");
    let why = fleet.done(&format!("event explain {}", id.trim()));
    assert!(why.contains("blocked: 2 engines fit, and none is active: 2 quarantined; "), "{why}");
    assert!(why.contains("smallest change  lift the quarantine of engine sim-1\n"), "{why}");
    let why = fleet.done("engine explain sim-2");
    assert!(why.contains("kept from 1 event: the engine is quarantined: loud; to lift the quarantine"), "{why}");
    for (line, exit, told) in [
        ("engine quarantine sim-1", 2, "--reason"),
        ("engine quarantine --reason a", 2, "<ENGINE_IDS>"),
        ("engine quarantine sim-1 --reason a --until yesterday", 2, "must be a moment, such as 1h"),
        ("engine quarantine sim-1 --reason a --until 2020-01-01", 2, "/until: must be in the future"),
        ("engine quarantine sim-1 --reason a --event-type a/b", 2, "must be a name"),
        ("engine quarantine nobody --reason a", 3, "no engine nobody is registered"),
        ("engine lift", 2, "<ENGINE_IDS>"),
        ("engine lift nobody", 3, "could not lift the quarantine of engine nobody"),
    ] {
        let (status, printed, said) = fleet.run(line);
        assert_eq!((status, printed.as_str()), (Some(exit), ""), "{line}: {said}");
        assert!(said.contains(told), "{line}: {said}");
    }
    // What is refused leaves the one before; what is done for some is said, and not for the others.
    assert_eq!(fleet.json("engine show sim-1")["quarantine"]["reason"], "fan");
    let (status, printed, said) = fleet.run("engine lift sim-1 nobody sim-2 -q");
    assert_eq!((status, printed.as_str()), (Some(8), "sim-1\nsim-2\n"), "{said}");
    assert_eq!(fleet.done("engine lift sim-1"), "sim-1  active, 0 events in hand\n", "it is in none");
    assert!(fleet.json("engine show sim-1")["quarantine"].is_null());
    assert!(!fleet.done("engine list").contains("quarantined"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_is_listed_with_its_quarantine() {
    let fleet = Fleet::new();
    for engine_id in ["bad", "good"] {
        fleet.engine(engine_id, 100).await;
    }
    for round in 0..20 {
        fleet.work("bad", round < 8).await;
        fleet.work("good", true).await;
    }
    let document = include_str!("../../../docs/suspects.md");
    let listed = fleet.done("suspects");
    let header = document.split("```\n").nth(1).and_then(|table| table.lines().next()).unwrap();
    assert_eq!(words(listed.lines().next().unwrap()), words(header), "the document has the same columns");
    let why = "engine bad at frame.render failed 12 of 12 events, others 0 of 12 in the same time";
    assert!(listed.contains(&format!(" -           {why}\n")), "{listed}");
    assert_eq!(fleet.done("suspects -q"), "bad\n");
    let found = fleet.json("suspects")["suspects"][0].clone();
    assert_eq!((&found["engine_id"], &found["quarantine"]), (&"bad".into(), &Value::Null));
    let wide = fleet.done("suspects -o wide");
    assert!(wide.contains(found["evidence"][4].as_str().unwrap()), "{wide}");
    assert!(fleet.done("suspects -o jsonl").starts_with("{\"kind\":\"engine_at_type\",\"engine_id\":\"bad\""));
    fleet.done("engine quarantine bad --reason fan --until 2h --event-type frame.render");
    let found = fleet.json("suspects")["suspects"][0]["quarantine"].clone();
    assert_eq!((&found["reason"], &found["event_types"][0]), (&"fan".into(), &"frame.render".into()));
    assert!(fleet.done("suspects").contains(" ends in 1h59m "), "{}", fleet.done("suspects"));
    fleet.done("engine lift bad");
    assert!(fleet.json("suspects")["suspects"][0]["quarantine"].is_null());
}
