//! What an engine and the guard of one command say to each other.
//!
//! The engine starts `enginehouse exec-guard PAYLOAD_BYTES KILL_AFTER_MS -- COMMAND...` with a socket as its stdin. It sends
//! the payload, and later at most one byte, [`TERMINATE`]. The guard answers in lines: whether the command was started, and
//! how it ended once nothing is left of it.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// What the engine sends to have the command ended: SIGTERM and, a little later, SIGKILL.
pub(crate) const TERMINATE: u8 = b'T';

/// The name of the subcommand.
const SUBCOMMAND: &str = "exec-guard";

/// How a guard is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuardArgs {
    pub(crate) payload_bytes: usize,
    /// How long the command has between SIGTERM and SIGKILL.
    pub(crate) kill_after: Duration,
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
}

impl GuardArgs {
    /// Reads them. None, if the process was started for something else.
    pub(crate) fn of_process(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        if arguments.next()? != SUBCOMMAND {
            return None;
        }
        let payload_bytes = arguments.next()?.to_str()?.parse().ok()?;
        let kill_after = Duration::from_millis(arguments.next()?.to_str()?.parse().ok()?);
        let command = (arguments.next()? == "--").then(|| arguments.collect())?;
        Some(Self { payload_bytes, kill_after, command })
    }

    /// As a command line.
    pub(crate) fn into_arguments(self) -> impl Iterator<Item = OsString> {
        let numbers = [self.payload_bytes.to_string(), self.kill_after.as_millis().to_string()];
        [SUBCOMMAND.into()].into_iter().chain(numbers.map(Into::into)).chain(["--".into()]).chain(self.command)
    }
}

/// What a guard answers, a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardReply {
    /// The command runs; the number is that of its process group too.
    Started { process_id: u32 },
    /// The command could not be started.
    NotStarted { os_error: i32 },
    /// What the command and all that it started have used: said before how it ended.
    Used { cpu_ms: u64, max_memory_kb: u64 },
    /// The command has ended by itself.
    Exited { code: i32 },
    /// A signal has ended the command.
    Signalled { signal: i32 },
}

impl fmt::Display for GuardReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { process_id } => writeln!(f, "started {process_id}"),
            Self::NotStarted { os_error } => writeln!(f, "not-started {os_error}"),
            Self::Used { cpu_ms, max_memory_kb } => writeln!(f, "used {cpu_ms},{max_memory_kb}"),
            Self::Exited { code } => writeln!(f, "exited {code}"),
            Self::Signalled { signal } => writeln!(f, "signalled {signal}"),
        }
    }
}

impl GuardReply {
    /// Reads a line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (word, number) = line.trim_end().split_once(' ')?;
        match word {
            "started" => Some(Self::Started { process_id: number.parse().ok()? }),
            "not-started" => Some(Self::NotStarted { os_error: number.parse().ok()? }),
            "used" => {
                let (cpu_ms, max_memory_kb) = number.split_once(',')?;
                Some(Self::Used { cpu_ms: cpu_ms.parse().ok()?, max_memory_kb: max_memory_kb.parse().ok()? })
            }
            "exited" => Some(Self::Exited { code: number.parse().ok()? }),
            "signalled" => Some(Self::Signalled { signal: number.parse().ok()? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_read_what_the_other_writes() {
        let arguments = GuardArgs {
            payload_bytes: 262_144,
            kill_after: Duration::from_secs(5),
            command: ["sh", "-c", "exit 3", "--"].map(Into::into).to_vec(),
        };
        assert_eq!(GuardArgs::of_process(arguments.clone().into_arguments()), Some(arguments));
        for reply in [
            GuardReply::Started { process_id: 77 },
            GuardReply::NotStarted { os_error: 2 },
            GuardReply::Used { cpu_ms: 1_234, max_memory_kb: 65_536 },
            GuardReply::Exited { code: 65 },
            GuardReply::Signalled { signal: 9 },
        ] {
            assert_eq!(GuardReply::parse(&reply.to_string()), Some(reply));
        }
        assert_eq!(GuardReply::parse(""), None);
    }

    #[test]
    fn no_other_command_line_is_that_of_a_guard() {
        for line in [&["serve"][..], &["engine", "run", "--", "exec-guard"], &[], &["exec-guard", "x"]] {
            assert_eq!(GuardArgs::of_process(line.iter().map(Into::into)), None, "{line:?}");
        }
    }
}
