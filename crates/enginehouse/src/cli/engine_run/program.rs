//! Runs a command for one event, and makes of its end what becomes of the event.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use enginehouse_client::{ClaimedEvent, Context, Outcome};
use enginehouse_core::event::AttemptError;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_ERROR_MESSAGE_BYTES, MAX_PAYLOAD_BYTES};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The exit status that says: no attempt can succeed. `EX_DATAERR` of sysexits.h.
const REJECTED: i32 = 65;
/// How long the pipes of a command may stay open after it has ended: by then a child of it has them.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

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
    pub(super) async fn run(&self, event: &ClaimedEvent, context: &Context) -> Result<Outcome, NotStarted> {
        let mut child = self.start(event).map_err(|error| NotStarted {
            why: error.to_string(),
            for_good: matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied),
        })?;
        let mut group = Group::of(&child);
        let payload = event.payload.clone();
        let stdin = child.stdin.take();
        let feeding = async move {
            if let Some(mut stdin) = stdin {
                // A command need not read its payload: then the pipe breaks, and that is its own affair.
                drop(stdin.write_all(payload.as_str().as_bytes()).await);
            }
        };
        // Its pipes are read to their end whatever it does, so that it never waits for us.
        let stdout = tokio::spawn(first_bytes(child.stdout.take(), MAX_PAYLOAD_BYTES));
        let stderr = tokio::spawn(last_bytes(child.stderr.take(), MAX_ERROR_MESSAGE_BYTES, self.show_stderr));
        let ended = async {
            let (status, ()) = tokio::join!(child.wait(), feeding);
            status
        };
        let status = tokio::select! {
            status = ended => status,
            reason = context.stopped() => {
                tracing::info!(event_id = %event.event_id, ?reason, "stopping the command");
                group.stop(&mut child, self.kill_after).await;
                return Ok(Outcome::Release { delay_seconds: None });
            }
        };
        group.is_done();
        let stdout = timeout(LAST_OUTPUT, stdout).await.ok().and_then(Result::ok).unwrap_or_default();
        let stderr = timeout(LAST_OUTPUT, stderr).await.ok().and_then(Result::ok).unwrap_or_default();
        match status {
            Ok(status) => {
                tracing::debug!(event_id = %event.event_id, event_type = %event.event_type, %status, "the command has ended");
                Ok(outcome(status, &stdout, &stderr))
            }
            Err(error) => Ok(Outcome::failed("wait", error.to_string())),
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

    /// The leader has ended and was waited for: its number may belong to somebody else from now on.
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

    async fn stop(mut self, child: &mut Child, kill_after: Duration) {
        self.send(Signal::TERM);
        if timeout(kill_after, child.wait()).await.is_err() {
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
fn outcome(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Outcome {
    if status.success() {
        return Outcome::Complete { result: result(stdout) };
    }
    let code = match (status.code(), status.signal()) {
        (Some(REJECTED), _) => "rejected".to_owned(),
        (Some(code), _) => format!("exit_{code}"),
        (None, Some(signal)) => format!("signal_{signal}"),
        (None, None) => "unknown_end".to_owned(),
    };
    let said = String::from_utf8_lossy(stderr);
    let message = if said.trim().is_empty() { status.to_string() } else { said.trim().to_owned() };
    Outcome::Fail {
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

/// Reads to the end, and keeps one byte more than `max` of the beginning: so that too much can be told.
async fn first_bytes(pipe: Option<impl AsyncRead + Unpin>, max: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    // A pipe that breaks has come to its end.
    drop((&mut pipe).take(max as u64 + 1).read_to_end(&mut kept).await);
    drop(tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await);
    kept
}

/// Reads to the end, and keeps the last `max` bytes from the beginning of a character on.
async fn last_bytes(pipe: Option<impl AsyncRead + Unpin>, max: usize, show: bool) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut part = [0; 8 * 1024];
    let mut shown = tokio::io::stderr();
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        if show {
            // Whether anybody sees it makes no difference to the event.
            drop(shown.write_all(&part[..read]).await);
        }
        kept.extend_from_slice(&part[..read]);
        if kept.len() > 2 * max {
            kept.drain(..kept.len() - max);
        }
    }
    kept.drain(..kept.len().saturating_sub(max));
    let cut = kept.iter().position(|byte| byte & 0b1100_0000 != 0b1000_0000).unwrap_or(0);
    if cut < 4 {
        kept.drain(..cut);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(code: i32, stdout: &str, stderr: &str) -> String {
        match outcome(ExitStatus::from_raw(code), stdout.as_bytes(), stderr.as_bytes()) {
            Outcome::Complete { result } => {
                format!("completed {}", result.map_or("-".into(), |json| json.as_str().to_owned()))
            }
            Outcome::Fail { error, retryable, .. } => {
                format!(
                    "{}: {}{}",
                    error.code.unwrap_or_default(),
                    error.message,
                    if retryable { "" } else { " for good" }
                )
            }
            Outcome::Release { .. } => "released".to_owned(),
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

    #[tokio::test]
    async fn of_stderr_the_end_is_kept_from_a_character_on() {
        let text = format!("{}{}", "x".repeat(100_000), "é".repeat(20));
        let kept = last_bytes(Some(text.as_bytes()), 21, false).await;
        assert_eq!(String::from_utf8(kept).unwrap(), "é".repeat(10));
        let kept = last_bytes(Some(&b"short"[..]), 21, false).await;
        assert_eq!(kept, b"short");
    }

    #[tokio::test]
    async fn of_stdout_too_much_can_be_told() {
        assert_eq!(first_bytes(Some(&b"12345"[..]), 4).await.len(), 5);
        assert_eq!(first_bytes(Some(&vec![0; 1_000_000][..]), 4).await.len(), 5);
    }
}
