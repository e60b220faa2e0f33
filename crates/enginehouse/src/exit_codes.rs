//! What the exit status of a command says. A number is part of the command line: never renumbered, never reused.

/// The list, as the help shows it.
pub(crate) const HELP: &str = "\
Exit status:
  0  done
  1  failed
  2  the command line, or what was sent, is not valid; nothing was done
  3  no such event, engine, queue or event type
  4  in conflict with the present state
  5  not allowed
  6  the server cannot be reached, or cannot serve now
  7  it took too long
  8  partly done
  9  refused for want of --yes
  10 the event or operation that was waited for has failed
  11 the event or operation that was waited for was cancelled";

/// One number per kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// Something else than what follows.
    Failed = 1,
    /// The command line, or what was sent, is not valid; nothing was done. The same number as clap's own.
    Invalid = 2,
    /// There is no such thing.
    NotFound = 3,
    /// The present state does not allow it.
    Conflict = 4,
    /// The caller is not allowed to.
    Forbidden = 5,
    /// The server cannot be reached, or cannot serve now.
    Unreachable = 6,
    /// It took too long; it may have been done.
    Timeout = 7,
    /// Some of it was done.
    Partly = 8,
    /// It needs `--yes`.
    Refused = 9,
    /// The event that was waited for has finally failed, or the operation has.
    WaitedFailed = 10,
    /// The event or operation that was waited for was cancelled.
    WaitedCancelled = 11,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_number() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Invalid,
            Exit::NotFound,
            Exit::Conflict,
            Exit::Forbidden,
            Exit::Unreachable,
            Exit::Timeout,
            Exit::Partly,
            Exit::Refused,
            Exit::WaitedFailed,
            Exit::WaitedCancelled,
        ];
        for (line, exit) in HELP.lines().skip(1).zip(all) {
            assert!(line.trim_start().starts_with(&format!("{} ", exit as u8)), "{line}");
        }
        assert_eq!(HELP.lines().count(), all.len() + 1);
    }
}
