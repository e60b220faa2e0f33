//! What `engine run` does with the output of its commands, and that no process of theirs outlives it.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use enginehouse_core::event::EventStatus;
use enginehouse_tests::engine_run::{EngineRunFixture, stop};
use enginehouse_tests::test_store::StoreKind;
use enginehouse_tests::{command, run, text, until};

const WORK: [&str; 4] = ["--event-type", "work", "--heartbeat-interval-seconds", "1"];

/// The process whose number a script has written to a file.
struct ScriptProcess(rustix::process::Pid);

impl ScriptProcess {
    /// Waits until the script has written it.
    async fn of(file: &Path) -> Self {
        let read = async || std::fs::read_to_string(file).ok()?.strip_suffix('\n')?.parse().ok();
        let number = until("a script has written the number of a process", read).await;
        Self(rustix::process::Pid::from_raw(number).expect("a number"))
    }

    fn is_running(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.as_raw_nonzero())).unwrap_or_default();
        // The state stands behind the name, which is in brackets. An orphan in a container may stay a zombie for ever.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    async fn has_ended(&self, what: &str) {
        until(what, async || (!self.is_running()).then_some(())).await;
    }
}

#[test]
fn an_engine_that_ends_while_its_command_starts_leaves_no_command() {
    let (mut engine, guard) = UnixStream::pair().unwrap();
    engine.write_all(b"{}").unwrap();
    drop(engine);
    let mut guard = Command::new(enginehouse_tests::binary())
        .args(["exec-guard", "2", "1000", "--", "sleep", "1000"])
        .stdin(Stdio::from(OwnedFd::from(guard)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = guard.stdout.take().unwrap();
    let (ends, ended) = mpsc::channel();
    // It comes to an end when nobody has it any more, the command included.
    std::thread::spawn(move || ends.send(stdout.read_to_end(&mut Vec::new()).is_ok()));
    assert!(guard.wait().unwrap().success());
    assert_eq!(ended.recv_timeout(enginehouse_tests::LIMIT), Ok(true), "the command runs");
}

/// A command with a child, a grandchild in a session of its own, and one whose parent has ended.
fn family_script(folder: &Path) -> String {
    format!(
        "cd '{}'; cat > /dev/null
         sleep 1000 & echo $! > child
         setsid sh -c 'sleep 1000 & echo $! > in_session; exec sleep 1000' &
         (setsid sh -c 'echo $$ > orphan; exec sleep 1000' &)
         echo $$ > command; wait",
        folder.display()
    )
}

const FAMILY: [&str; 4] = ["command", "child", "in_session", "orphan"];

async fn family(folder: &Path) -> Vec<(&'static str, ScriptProcess)> {
    let mut family = Vec::new();
    for name in FAMILY {
        family.push((name, ScriptProcess::of(&folder.join(name)).await));
    }
    assert!(family.iter().all(|(_, process)| process.is_running()));
    family
}

#[tokio::test]
async fn a_killed_engine_takes_its_commands_and_all_that_they_started_along() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    fixture.enqueue("{}\n", &["--event-type", "work"]);
    let mut engine = fixture.engine("e", &WORK, &family_script(folder.path()));
    let family = family(folder.path()).await;
    engine.kill().unwrap();
    engine.wait().unwrap();
    for (name, process) in family {
        process.has_ended(&format!("the end of the engine ends the {name}")).await;
    }
}

#[tokio::test]
async fn a_command_of_a_cancelled_event_ends_with_all_that_it_started() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    fixture.enqueue("{}\n", &["--event-type", "work"]);
    // The shell does not end on SIGTERM.
    let script = format!("trap '' TERM; {}", family_script(folder.path()));
    let flags: Vec<_> = WORK.into_iter().chain(["--kill-after-seconds", "1"]).collect();
    let engine = fixture.engine("e", &flags, &script);
    let family = family(folder.path()).await;
    let event = fixture.events().await.remove(0);
    fixture.server.client().cancel(event.event_id, Default::default()).await.unwrap();
    fixture.until_all(EventStatus::Cancelled).await;
    for (name, process) in family {
        assert!(!process.is_running(), "the event was settled before the {name} had ended");
    }
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn what_a_command_leaves_behind_ends_before_its_event_is_settled() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    fixture.enqueue("{}\n", &["--event-type", "work"]);
    // The second process ends by itself, a moment after the command: its output counts.
    let script = format!(
        "cd '{}'; setsid sleep 1000 & echo $! > left; (while [ ! -e gone ]; do sleep 0.05; done; echo late) &
         trap 'touch gone' EXIT",
        folder.path().display()
    );
    let engine = fixture.engine("e", &WORK, &script);
    let event = fixture.until_all(EventStatus::Completed).await.remove(0);
    assert_eq!(event.result.unwrap().as_str(), "\"late\"");
    assert!(!ScriptProcess::of(&folder.path().join("left")).await.is_running());
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn a_guard_that_is_killed_costs_one_attempt_and_leaves_no_command() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    fixture.enqueue("{}\n", &["--event-type", "work"]);
    let script = format!("cd '{}'; echo $PPID > guard; echo $$ > command; exec sleep 1000", folder.path().display());
    let engine = fixture.engine("e", &WORK, &script);
    let command = ScriptProcess::of(&folder.path().join("command")).await;
    let guard = ScriptProcess::of(&folder.path().join("guard")).await;
    rustix::process::kill_process(guard.0, rustix::process::Signal::KILL).unwrap();
    let failed = until("the attempt has failed", async || fixture.events().await.remove(0).last_error);
    assert_eq!(failed.await.code.as_deref(), Some("unknown_end"));
    command.has_ended("the engine kills a command without a guard").await;
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn what_a_command_prints_is_its_result_and_nothing_is_dropped_without_a_word() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    for (result, script, want) in [
        ("auto", "echo abc | sha256sum", r#""edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb  -""#),
        ("json", "echo '{\"a\": 1.50}'", r#"{"a": 1.50}"#),
        ("json", "date", "invalid_result"),
        ("json", "head -c 262202 /dev/zero | tr '\\0' 1", "result_too_large"),
        ("text", "echo 17", r#""17""#),
        ("none", "echo 17", "-"),
        ("auto", "printf 'caf\\351\\0!'", "\"caf\u{fffd}\\u0000!\""),
        ("auto", "printf 'x\\0\\n' >&2; exit 3", "exit_3"),
    ] {
        fixture.enqueue("{}\n", &["--event-type", "work", "--max-retries", "0"]);
        let flags: Vec<_> = WORK.into_iter().chain(["--result", result]).collect();
        let engine = fixture.engine("e", &flags, script);
        let event = until("the event has ended", async || {
            let event = fixture.events().await.remove(0);
            (event.status != EventStatus::Queued && event.status != EventStatus::Processing).then_some(event)
        })
        .await;
        let ended = match (event.last_error, event.result) {
            (Some(error), _) => error.code.unwrap(),
            (None, Some(result)) => result.as_str().to_owned(),
            (None, None) => "-".to_owned(),
        };
        assert_eq!(ended, want, "{result}: {script}");
        assert_eq!(stop(engine), Some(0));
    }
}

#[tokio::test]
async fn an_endless_output_takes_no_memory_and_blocks_no_command() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    fixture.enqueue("{}\n", &["--event-type", "work"]);
    // To both, at the same time.
    let script = "head -c 300000000 /dev/zero >&2 & head -c 300000000 /dev/zero; wait; echo end >&2";
    let engine = fixture.engine("e", &[&WORK[..], &["--quiet"]].concat(), script);
    let event = fixture.until_all(EventStatus::Completed).await.remove(0);
    let result: String = serde_json::from_str(event.result.unwrap().as_str()).unwrap();
    assert!(result.ends_with("[cut: the command printed 300000000 bytes]"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", engine.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 100_000, "the engine took {peak} kB");
    assert_eq!(stop(engine), Some(0));
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_stopped_then_and_no_lock_is_lost() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    fixture.enqueue("{}\n", &["--event-type", "work", "--max-retries", "0", "--max-processing-seconds", "1"]);
    // No heartbeat comes before the test has ended: the engine knows by itself.
    let mut run = command(["engine", "run", "--event-type", "work", "--heartbeat-interval-seconds", "300"]);
    let script = format!("echo $$ > '{}'; exec sleep 1000", folder.path().join("command").display());
    run.env("ENGINEHOUSE_URL", &fixture.server.url).args(["--", "sh", "-c", &script]);
    run.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut engine = fixture.started(run);
    let (mut stdout, mut stderr) = (engine.stdout.take().unwrap(), engine.stderr.take().unwrap());
    ScriptProcess::of(&folder.path().join("command")).await.has_ended("the command is stopped").await;
    let event = fixture.until_all(EventStatus::Failed).await.remove(0);
    assert_eq!(event.last_error.unwrap().code.as_deref(), Some("timed_out"));
    assert_eq!(stop(engine), Some(0));
    let (mut summary, mut log) = (String::new(), String::new());
    stdout.read_to_string(&mut summary).unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(log.matches("it took longer than max_processing_seconds").count(), 1, "{log}");
    assert!(!log.contains("lost"), "{log}");
    assert!(summary.contains("failed     1") && summary.contains("lost       0"), "{summary}");
}

#[tokio::test]
async fn a_program_that_is_missing_is_found_before_the_engine_registers() {
    let fixture = EngineRunFixture::on(StoreKind::Sqlite);
    for program in ["no-such-program", "./no-such-program", "/etc/passwd", "/tmp"] {
        let output = run(&fixture.server.url, ["engine", "run", "--event-type", "work", "--", program], "");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("the engine did not start: it cannot run") && message.contains(program), "{message}");
    }
    let engines = fixture.server.client().engines(&Default::default()).await.unwrap();
    assert!(engines.items.is_empty(), "{engines:?}");
}
