//! Runs a command for one event, and makes of its end what becomes of the event.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use enginehouse_client::{ClaimedEvent, HandlerContext, HandlerOutcome};
use enginehouse_core::event::AttemptError;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_ERROR_MESSAGE_BYTES, MAX_PAYLOAD_BYTES};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::output::{Keep, PipeReader};

/// The exit status that says: no attempt can succeed. `EX_DATAERR` of sysexits.h.
const REJECTED: i32 = 65;
/// How often to look whether a process group has ended after its signal.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The result, if it is JSON that an event can keep.
const STDOUT: Keep = Keep::First(MAX_PAYLOAD_BYTES);
/// The message of a failure.
const STDERR: Keep = Keep::Last(MAX_ERROR_MESSAGE_BYTES);

/// A command, and how to treat it.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) command: OsString,
    pub(super) arguments: Vec<OsString>,
    /// The server's address, for commands that have more to say to it.
    pub(super) url: String,
    /// How long it has between SIGTERM and SIGKILL.
    pub(super) kill_after: Duration,
    /// Whether its stderr is shown as well as kept.
    pub(super) show_stderr: bool,
}

/// The command was not started.
#[derive(Debug)]
pub(super) struct NotStarted {
    pub(super) why: String,
    /// Whether the next event would fare no better.
    pub(super) for_good: bool,
}

impl Program {
    /// Runs it to its end, or until the context stops it.
    pub(super) async fn run(
        &self,
        event: &ClaimedEvent,
        context: &HandlerContext,
    ) -> Result<HandlerOutcome, NotStarted> {
        let mut child = self.start(event).map_err(|error| NotStarted {
            why: error.to_string(),
            for_good: matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied),
        })?;
        let mut group = Group::of(&child);
        let stdout = PipeReader::read(child.stdout.take(), STDOUT, false);
        let stderr = PipeReader::read(child.stderr.take(), STDERR, self.show_stderr);
        let feeding = tokio::spawn(feed(child.stdin.take(), event.payload.clone()));
        let status = tokio::select! {
            status = child.wait() => Some(status),
            reason = context.stopped() => {
                tracing::info!(event_id = %event.event_id, ?reason, "stopping the command");
                None
            }
        };
        // A process that still reads its stdin gets no more than it has.
        feeding.abort();
        let Some(status) = status else {
            group.stop(&mut child, self.kill_after).await;
            return Ok(HandlerOutcome::Release { delay_seconds: None });
        };
        group.is_done();
        let (stdout, stderr) = tokio::join!(stdout.kept(STDOUT), stderr.kept(STDERR));
        match status {
            Ok(status) => {
                tracing::debug!(event_id = %event.event_id, event_type = %event.event_type, %status, "the command has ended");
                Ok(outcome(status, &stdout, &stderr))
            }
            Err(error) => Ok(HandlerOutcome::failed("wait", error.to_string())),
        }
    }

    fn start(&self, event: &ClaimedEvent) -> std::io::Result<Child> {
        let mut command = Command::new(&self.command);
        command
            .args(&self.arguments)
            .env("ENGINEHOUSE_URL", &self.url)
            .env("ENGINEHOUSE_EVENT_ID", event.event_id.to_string())
            .env("ENGINEHOUSE_EVENT_TYPE", event.event_type.as_str())
            .env("ENGINEHOUSE_ATTEMPT", event.attempt.to_string())
            .env_remove("ENGINEHOUSE_SCENARIO_RUN_ID")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: what is meant for it reaches its children, and a terminal's Ctrl-C reaches only us.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(run) = &event.scenario_run_id {
            command.env("ENGINEHOUSE_SCENARIO_RUN_ID", run.as_str());
        }
        command.spawn()
    }
}

/// A command and its children. Dropped while it runs, it kills them all.
struct Group {
    leader: Option<Pid>,
}

impl Group {
    fn of(child: &Child) -> Self {
        Self { leader: child.id().and_then(|id| Pid::from_raw(id.cast_signed())) }
    }

    /// The leader has ended and was waited for: its process id may be used again from now on.
    const fn is_done(&mut self) {
        self.leader = None;
    }

    fn send(&self, signal: Signal) {
        if let Some(leader) = self.leader
            && let Err(error) = kill_process_group(leader, signal)
        {
            tracing::debug!(%error, "the command's group is gone");
        }
    }

    /// Asks all of them to end, waits, and kills those that do not: the children of a command that has ended too.
    async fn stop(mut self, child: &mut Child, kill_after: Duration) {
        self.send(Signal::TERM);
        let all_ended = async {
            drop(child.wait().await);
            let mut ticks = tokio::time::interval(LOOK_AGAIN);
            while self.leader.is_some_and(|leader| test_kill_process_group(leader).is_ok()) {
                ticks.tick().await;
            }
        };
        if timeout(kill_after, all_ended).await.is_err() {
            self.send(Signal::KILL);
            if let Err(error) = child.wait().await {
                tracing::warn!(%error, "could not wait for the command");
            }
        }
        self.is_done();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::KILL);
    }
}

/// What an end means.
fn outcome(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> HandlerOutcome {
    if status.success() {
        return HandlerOutcome::Complete { result: result(stdout) };
    }
    let code = match (status.code(), status.signal()) {
        (Some(REJECTED), _) => "rejected".to_owned(),
        (Some(code), _) => format!("exit_{code}"),
        (None, Some(signal)) => format!("signal_{signal}"),
        (None, None) => "unknown_end".to_owned(),
    };
    let text = String::from_utf8_lossy(stderr);
    let message = if text.trim().is_empty() { status.to_string() } else { text.trim().to_owned() };
    HandlerOutcome::Fail {
        error: AttemptError { code: Some(code), message, details: None },
        retryable: status.code() != Some(REJECTED),
        retry_after_seconds: None,
        dead_letter: false,
    }
}

/// What a command has printed, if that is JSON that an event can keep.
fn result(stdout: &[u8]) -> Option<RawJson> {
    if stdout.len() > MAX_PAYLOAD_BYTES {
        return None;
    }
    serde_json::from_slice::<RawJson>(stdout).ok().filter(|json| json.check().is_ok())
}

/// Hands the command its payload. It need not read it: then the pipe breaks, and that is its own affair.
async fn feed(stdin: Option<ChildStdin>, payload: RawJson) {
    if let Some(mut stdin) = stdin {
        drop(stdin.write_all(payload.as_str().as_bytes()).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(code: i32, stdout: &str, stderr: &str) -> String {
        match outcome(ExitStatus::from_raw(code), stdout.as_bytes(), stderr.as_bytes()) {
            HandlerOutcome::Complete { result } => {
                format!("completed {}", result.map_or("-".into(), |json| json.as_str().to_owned()))
            }
            HandlerOutcome::Fail { error, retryable, .. } => {
                format!(
                    "{}: {}{}",
                    error.code.unwrap_or_default(),
                    error.message,
                    if retryable { "" } else { " for good" }
                )
            }
            HandlerOutcome::Release { .. } => "released".to_owned(),
        }
    }

    #[test]
    fn an_end_says_what_becomes_of_the_event() {
        assert_eq!(end(0, " {\"a\": 1.50}\n", "noise"), "completed {\"a\": 1.50}");
        assert_eq!(end(0, "no JSON", ""), "completed -");
        assert_eq!(end(0, "{\"a\":1,\"a\":2}", ""), "completed -");
        assert_eq!(end(0, "", ""), "completed -");
        assert_eq!(end(0, &format!("\"{}\"", "x".repeat(MAX_PAYLOAD_BYTES)), ""), "completed -");
        assert_eq!(end(65 << 8, "1", "no such tile\n"), "rejected: no such tile for good");
        assert_eq!(end(3 << 8, "", " \n"), "exit_3: exit status: 3");
        assert_eq!(end(9, "", ""), "signal_9: signal: 9 (SIGKILL)");
    }
}
