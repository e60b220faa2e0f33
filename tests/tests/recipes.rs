//! The recipes of docs/engine-run.md do what they say: their commands are run as they stand there.
//!
//! Programs that convert pictures and films are replaced by one that tells its arguments: what is ours is how these come to be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use enginehouse_core::event::{AttemptOutcome, EventStatus};
use enginehouse_core::ids::EventId;
use enginehouse_core::report::AttemptUsage;
use enginehouse_tests::engine_run::EngineRunFixture;
use enginehouse_tests::test_store::StoreKind;
use enginehouse_tests::{binary, terminate, until};

const DOCUMENT: &str = include_str!("../../docs/engine-run.md");

/// An engine of a recipe.
struct Recipe(Child);

impl Drop for Recipe {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Recipe {
    /// Runs the recipe for events of this type in a folder.
    fn run(event_type: &str, folder: &Path, url: &str) -> Self {
        let begins = format!("```sh\nenginehouse engine run --event-type {event_type} ");
        let at = DOCUMENT.find(&begins).unwrap_or_else(|| panic!("a recipe for {event_type}"));
        let script = DOCUMENT[at..].trim_start_matches("```sh\n").split("\n```").next().expect("it ends");
        let mut folders = vec![folder.to_owned(), binary().parent().expect("it is in a folder").to_owned()];
        folders.extend(std::env::split_paths(&path()));
        let child = Command::new("bash")
            .args(["-c", &format!("exec {script}")])
            .env("PATH", std::env::join_paths(folders).expect("the folders have no colon"))
            .env("ENGINEHOUSE_URL", url)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash is there");
        Self(child)
    }
}

#[expect(clippy::disallowed_methods, reason = "the shell of a recipe finds jq where this test would")]
fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// The Python script of the document in which this word is.
fn python(word: &str) -> &'static str {
    let mut scripts = DOCUMENT.split("```python\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
    scripts.find(|script| script.contains(word)).expect("a script")
}

/// Puts a program into a folder.
fn program(folder: &Path, name: &str, script: &str) {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn fields_of_a_payload_become_arguments_whatever_is_in_them() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    for name in ["convert", "ffmpeg"] {
        program(folder.path(), name, r#"printf '<%s>' "$@""#);
    }
    fs::write(folder.path().join("count.py"), python("words")).unwrap();
    let _engines = ["image.resize", "video.encode", "word.count"]
        .map(|event_type| Recipe::run(event_type, folder.path(), &fixture.server.url));
    let name = r#"it's "a" $(b) `c`.png"#;
    for (event_type, payload, result) in [
        (
            "image.resize",
            serde_json::json!({ "file": name, "width": 100 }),
            serde_json::json!(format!("<{name}><-resize><100><small-{name}>")),
        ),
        (
            "video.encode",
            serde_json::json!({ "file": "a b.mp4" }),
            serde_json::json!("<-nostdin><-v><error><-y><-i><a b.mp4><a b.mp4.webm>"),
        ),
        ("word.count", serde_json::json!({ "text": "one two" }), serde_json::json!({ "words": 2 })),
    ] {
        fixture.enqueue(&format!("{payload}\n"), &["--event-type", event_type]);
        let done = fixture.until_all(EventStatus::Completed).await;
        let event = done.iter().find(|event| event.event_type.as_str() == event_type).expect("it was enqueued");
        let found: serde_json::Value = serde_json::from_str(event.result.as_ref().unwrap().as_str()).unwrap();
        assert_eq!(found, result, "{event_type}");
    }
    for event_type in ["image.resize", "video.encode", "word.count"] {
        fixture.enqueue("{}\n", &["--event-type", event_type]);
    }
    until("events without their fields fail for good", async || {
        let events = fixture.events().await;
        let failed = events.iter().filter(|event| event.status == EventStatus::Failed);
        (failed.filter(|event| event.failures == 1).count() == 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_program_that_must_not_be_killed_finishes_when_its_engine_is_stopped() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    program(folder.path(), "close-ledger", "touch begun; until [ -e may-end ]; do :; done; echo '\"closed\"'");
    let mut engine = Recipe::run("ledger.close", folder.path(), &fixture.server.url);
    fixture.enqueue("{}\n", &["--event-type", "ledger.close"]);
    until("the program has begun", async || folder.path().join("begun").exists().then_some(())).await;
    terminate(&engine.0);
    // The engine has heard it once its server has: it takes no more.
    until("the engine takes no more", async || {
        fixture.enqueue("{}\n", &["--event-type", "ledger.close"]);
        (fixture.events().await.len() > 5).then_some(())
    })
    .await;
    fs::write(folder.path().join("may-end"), "").unwrap();
    assert!(engine.0.wait().unwrap().success());
    let done = fixture.events().await;
    let closed =
        done.iter().filter(|event| event.result.as_ref().is_some_and(|result| result.as_str() == "\"closed\""));
    assert_eq!(closed.count(), 1);
}

/// The attempts of an event, each with its outcome, its percentage and what it has used.
async fn attempts(fixture: &EngineRunFixture, event_id: EventId) -> Vec<(AttemptOutcome, Option<f64>, AttemptUsage)> {
    let history = fixture.server.client().history(event_id).await.unwrap();
    let shown = history.attempts.into_iter().map(|attempt| {
        let percent = attempt.progress.and_then(|progress| progress.percent);
        (attempt.outcome.expect("it has ended"), percent, attempt.usage.unwrap_or_default())
    });
    shown.collect()
}

#[tokio::test]
async fn commands_report_and_go_on_from_where_the_attempt_before_has_come() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    // Writes as ffmpeg does, to the file behind -progress.
    let ffmpeg = r#"
        until [ "$1" = -progress ]; do shift; done
        printf 'frame=48\nfps=0.0\nout_time_us=1500000\nspeed=1.9x\nprogress=continue\nnonsense\n' > "$2""#;
    program(folder.path(), "ffmpeg", ffmpeg);
    program(folder.path(), "ffprobe", "echo 6.000");
    fs::write(folder.path().join("train.py"), python("epochs")).unwrap();
    let _engines =
        ["pages.index", "model.train", "video.scale"].map(|of| Recipe::run(of, folder.path(), &fixture.server.url));
    let no_wait = ["--retry-delay-initial", "0", "--retry-delay-max", "0"];
    for (event_type, payload, result, percents) in [
        ("pages.index", "{}", serde_json::json!({ "pages": 4 }), vec![Some(50.0), Some(100.0)]),
        ("model.train", r#"{"epochs":4}"#, serde_json::json!({ "epochs": 4 }), vec![Some(100.0)]),
        ("video.scale", r#"{"file":"a b.mp4"}"#, serde_json::Value::Null, vec![Some(25.0)]),
    ] {
        fixture.enqueue(&format!("{payload}\n"), &[&["--event-type", event_type][..], &no_wait].concat());
        let done = fixture.until_all(EventStatus::Completed).await;
        let event = done.into_iter().find(|event| event.event_type.as_str() == event_type).expect("it was enqueued");
        let found = event.result.map_or(serde_json::Value::Null, |json| serde_json::from_str(json.as_str()).unwrap());
        assert_eq!(found, result, "{event_type}");
        let attempts = attempts(&fixture, event.event_id).await;
        assert_eq!(attempts.iter().map(|(_, percent, _)| *percent).collect::<Vec<_>>(), percents, "{event_type}");
        for (outcome, _, usage) in &attempts {
            assert!(usage.max_memory_mb.is_some_and(|memory| memory > 0.1), "{event_type} {outcome:?}: {usage:?}");
            assert!(usage.cpu_seconds.is_some(), "{event_type} {outcome:?}: {usage:?}");
        }
        assert_eq!(attempts.last().unwrap().2.gpu_seconds, (event_type == "model.train").then_some(2.0));
    }
}
