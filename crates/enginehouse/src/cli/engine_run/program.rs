//! Runs a command for one event, and makes of its end what becomes of the event.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_client::{ClaimedEvent, HandlerContext, HandlerOutcome};
use enginehouse_core::event::AttemptError;
use enginehouse_core::limits::MAX_ERROR_MESSAGE_BYTES;

use super::command_result::ResultFormat;
use super::guarded_command::GuardedCommand;
use super::load::LoadMeter;
use super::output::{Keep, PipeReader, Printed};
use super::report_file::{ReportFile, ReportFolder};
use super::report_lines::ReportLines;
use crate::cli::server_address::{
    CLIENT_CERT_VARIABLE, CLIENT_KEY_VARIABLE, CONTEXT_VARIABLE, TLS_CA_VARIABLE, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE,
};
use crate::exec_guard::protocol::GuardArgs;

/// What a command may report on its attempt with, and settle it.
pub(crate) const EVENT_TOKEN_VARIABLE: &str = "ENGINEHOUSE_EVENT_TOKEN";
/// The token of the lock, which these calls name.
pub(crate) const LOCK_TOKEN_VARIABLE: &str = "ENGINEHOUSE_LOCK_TOKEN";
/// The span that enqueued the event, where programs that trace themselves look for it: OpenTelemetry, "Environment
/// Variables as Context Propagation Carriers".
const TRACE_PARENT_VARIABLE: &str = "TRACEPARENT";
/// The exit status that says: no attempt can succeed. `EX_DATAERR` of sysexits.h.
const REJECTED: i32 = 65;
/// The message of a failure.
const STDERR: Keep = Keep::Last(MAX_ERROR_MESSAGE_BYTES);

/// A command, and how to treat it.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) command: OsString,
    pub(super) arguments: Vec<OsString>,
    /// The server's address, for commands that have more to say to it.
    pub(super) url: String,
    /// The CAs to trust when it is called.
    pub(super) tls_ca: Option<PathBuf>,
    /// How long it has between SIGTERM and SIGKILL.
    pub(super) kill_after: Duration,
    /// What its stdout is.
    pub(super) result: ResultFormat,
    /// Whether its stderr is shown as well as kept.
    pub(super) show_stderr: bool,
    /// Where it may report; none where there is no such thing.
    pub(super) reports: Option<ReportFolder>,
    pub(super) load: Arc<LoadMeter>,
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
        let report_file = self.report_file(event);
        let report_path = report_file.as_ref().map(ReportFile::path);
        let mut command = self.start(event, report_path).await.map_err(|error| NotStarted {
            why: error.to_string(),
            for_good: matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied),
        })?;
        let (stdout, stderr) = command.outputs();
        let guard = command.guard_id().unwrap_or_default();
        self.load.measure(guard, context);
        let reports = report_file.map(|file| file.read(ReportLines::new(event.event_id, context.clone())));
        let stdout = PipeReader::read(stdout, self.result.keep(), false, None);
        let stderr = PipeReader::read(stderr, STDERR, self.show_stderr, Some(context.clone()));
        let status = tokio::select! {
            status = command.ended() => status,
            reason = context.stopped() => {
                tracing::info!(event_id = %event.event_id, ?reason, "stopping the command");
                command.stop().await;
                self.load.ended(guard, command.used);
                return Ok(HandlerOutcome::Release { delay_seconds: None });
            }
        };
        self.load.ended(guard, command.used);
        let (stdout, stderr) = tokio::join!(stdout.printed(self.result.keep()), stderr.printed(STDERR));
        let reported = match reports {
            Some((lines, end)) => {
                end.write().await;
                lines.await.ok().and_then(|lines| lines.result)
            }
            None => None,
        };
        match status {
            Ok(status) => {
                tracing::debug!(event_id = %event.event_id, event_type = %event.event_type, %status, "the command has ended");
                Ok(match (status.success(), reported) {
                    (true, Some(result)) => HandlerOutcome::Complete { result: Some(result) },
                    _ => self.outcome(status, &stdout, &stderr),
                })
            }
            Err(error) => Ok(HandlerOutcome::failed("unknown_end", error.to_string())),
        }
    }

    /// Where the command may report. It can do without.
    fn report_file(&self, event: &ClaimedEvent) -> Option<ReportFile> {
        let name = format!("{}-{}", event.event_id, event.token.serial);
        let made = self.reports.as_ref()?.file(&name);
        made.inspect_err(|error| tracing::warn!(%error, "there is no ENGINEHOUSE_REPORT_FILE")).ok()
    }

    async fn start(&self, event: &ClaimedEvent, report_file: Option<OsString>) -> std::io::Result<GuardedCommand> {
        let payload = event.payload.as_str();
        let arguments = GuardArgs {
            payload_bytes: payload.len(),
            kill_after: self.kill_after,
            command: std::iter::once(&self.command).chain(&self.arguments).cloned().collect(),
        };
        let prepare = |command: &mut tokio::process::Command| {
            command
                .env("ENGINEHOUSE_URL", &self.url)
                .env("ENGINEHOUSE_EVENT_ID", event.event_id.to_string())
                .env("ENGINEHOUSE_EVENT_TYPE", event.event_type.as_str())
                .env("ENGINEHOUSE_ATTEMPT", event.attempt.to_string())
                .env(LOCK_TOKEN_VARIABLE, event.token.to_string())
                .env_remove("ENGINEHOUSE_SCENARIO_RUN_ID")
                .env_remove("ENGINEHOUSE_CHECKPOINT")
                .env_remove("ENGINEHOUSE_REPORT_FILE")
                .env_remove(TRACE_PARENT_VARIABLE)
                // Who may be an engine may do more than its command has to.
                .env_remove(CONTEXT_VARIABLE)
                .env_remove(TOKEN_VARIABLE)
                .env_remove(TOKEN_FILE_VARIABLE)
                .env_remove(CLIENT_CERT_VARIABLE)
                .env_remove(CLIENT_KEY_VARIABLE);
            match event.event_token() {
                Some(token) => command.env(EVENT_TOKEN_VARIABLE, token.to_string()),
                None => command.env_remove(EVENT_TOKEN_VARIABLE),
            };
            if let Some(ca) = &self.tls_ca {
                command.env(TLS_CA_VARIABLE, ca);
            }
            if let Some(file) = &report_file {
                command.env("ENGINEHOUSE_REPORT_FILE", file);
            }
            if let Some(checkpoint) = event.previous.as_ref().and_then(|previous| previous.checkpoint.as_ref()) {
                command.env("ENGINEHOUSE_CHECKPOINT", checkpoint.as_str());
            }
            if let Some(trace_parent) = &event.traceparent {
                command.env(TRACE_PARENT_VARIABLE, trace_parent.as_str());
            }
            if let Some(run) = &event.scenario_run_id {
                command.env("ENGINEHOUSE_SCENARIO_RUN_ID", run.as_str());
            }
        };
        GuardedCommand::start(arguments, payload, prepare).await
    }

    /// What an end means.
    fn outcome(&self, status: ExitStatus, stdout: &Printed, stderr: &Printed) -> HandlerOutcome {
        if status.success() { self.result.outcome(stdout) } else { failure(status, &stderr.kept) }
    }
}

fn failure(status: ExitStatus, stderr: &[u8]) -> HandlerOutcome {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn end(code: i32, stderr: &str) -> String {
        let HandlerOutcome::Fail { error, retryable, .. } = failure(ExitStatus::from_raw(code), stderr.as_bytes())
        else {
            unreachable!("it has failed")
        };
        format!("{}: {}{}", error.code.unwrap_or_default(), error.message, if retryable { "" } else { " for good" })
    }

    #[test]
    fn an_end_says_what_becomes_of_the_event() {
        assert_eq!(end(65 << 8, "no such tile\n"), "rejected: no such tile for good");
        assert_eq!(end(3 << 8, " \n"), "exit_3: exit status: 3");
        assert_eq!(end(9, ""), "signal_9: signal: 9 (SIGKILL)");
    }
}
