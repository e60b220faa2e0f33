//! A command with the guard that ends it, and all of its children, when this engine ends.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as BlockingStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::exec_guard::protocol::{GuardArgs, GuardReply, TERMINATE};

/// A command that runs. Dropped, it and its children are killed.
#[derive(Debug)]
pub(super) struct GuardedCommand {
    guard: Child,
    /// Its end tells the guard to kill them all.
    control: BufReader<UnixStream>,
    command: Option<Pid>,
    /// What it and its children have used in all: processor time in milliseconds, and memory of the largest in KiB. Known at its end.
    pub(super) used: Option<(u64, u64)>,
}

impl GuardedCommand {
    /// Starts it with this payload on its stdin. `prepare` sets its environment.
    ///
    /// # Errors
    /// Why the guard, or the command, was not started.
    pub(super) async fn start(
        arguments: GuardArgs,
        payload: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let (control, stdin) = BlockingStream::pair()?;
        control.set_nonblocking(true)?;
        let mut command = Command::new(own_program()?);
        command
            .arg0("enginehouse")
            .args(arguments.into_arguments())
            .stdin(Stdio::from(OwnedFd::from(stdin)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C reaches only us.
            .process_group(0);
        prepare(&mut command);
        let guard = command.spawn()?;
        // It holds the guard's end of the socket, whose end would not be noticed here.
        drop(command);
        let mut control = BufReader::new(UnixStream::from_std(control)?);
        control.get_mut().write_all(payload.as_bytes()).await?;
        let mut this = Self { guard, control, command: None, used: None };
        match this.reply().await {
            Some(GuardReply::Started { process_id }) => {
                this.command = Pid::from_raw(process_id.cast_signed());
                Ok(this)
            }
            Some(GuardReply::NotStarted { os_error }) => Err(io::Error::from_raw_os_error(os_error)),
            _ => Err(io::Error::other("its guard has ended; see stderr")),
        }
    }

    /// The process that guards it, of which all of its processes descend.
    pub(super) fn guard_id(&self) -> Option<u32> {
        self.guard.id()
    }

    /// What the command prints; what it reports.
    pub(super) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.guard.stdout.take(), self.guard.stderr.take())
    }

    /// Waits until the command and all that it has started have ended.
    ///
    /// # Errors
    /// Nobody knows how it ended, because its guard was killed. The command is killed too.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let mut reply = self.reply().await;
        if let Some(GuardReply::Used { cpu_ms, max_memory_kb }) = reply {
            self.used = Some((cpu_ms, max_memory_kb));
            reply = self.reply().await;
        }
        let status = match reply {
            Some(GuardReply::Exited { code }) => Ok(ExitStatus::from_raw(code << 8)),
            Some(GuardReply::Signalled { signal }) => Ok(ExitStatus::from_raw(signal)),
            _ => Err(io::Error::other("the process that guards the command was killed")),
        };
        if status.is_err()
            && let Some(command) = self.command
        {
            // It may have ended in the meantime.
            kill_process_group(command, Signal::KILL).ok();
        }
        // It ends right after its answer. A runtime that cannot wait for it reaps it later.
        drop(self.guard.wait().await);
        status
    }

    /// Asks them to end, and waits until they have: those that do not are killed by the guard.
    pub(super) async fn stop(&mut self) {
        // A guard that is gone has nothing left to end.
        drop(self.control.get_mut().write_all(&[TERMINATE]).await);
        if let Err(error) = self.ended().await {
            tracing::warn!(%error, "could not wait for the command");
        }
    }

    async fn reply(&mut self) -> Option<GuardReply> {
        let mut line = String::new();
        // A socket that breaks has come to its end.
        self.control.read_line(&mut line).await.ok()?;
        GuardReply::parse(&line)
    }
}

/// This program, even if its file was replaced by another version since it was started.
fn own_program() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}
