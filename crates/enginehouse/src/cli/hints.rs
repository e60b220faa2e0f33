//! What a person can do about an answer of the server: by what the command is about, and by the cause.
//!
//! The advice of a [`Code`] is for whoever has written a client.

use enginehouse_api::problem::Code;

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Engine,
    Event,
    DeadLetter,
    EventType,
    Queue,
    ScenarioRun,
    Operation,
    IdempotencyKey,
    /// Nothing that has a name.
    Other,
}

impl Subject {
    /// What to do if there is no such thing.
    const fn if_missing(self) -> &'static str {
        match self {
            Self::Engine => "check the id: `enginehouse engine list --stopped` shows the engines that have registered",
            Self::Event => {
                "check the id: `enginehouse event list` shows the events; one that has finished is deleted after its time of retention"
            }
            Self::DeadLetter => {
                "check the id: `enginehouse dead list` shows the dead letters, and `enginehouse event show` what became of an event"
            }
            Self::EventType => "check the name: `enginehouse event-type list` shows those that set something",
            Self::Queue => "check the name: `enginehouse queue list` shows those that set something",
            Self::ScenarioRun => "check the id: `enginehouse run list` shows the scenario runs that have events",
            Self::Operation => {
                "check the id: `enginehouse operation list` shows the operations of the last 30 days that this token may see"
            }
            Self::IdempotencyKey => "check the key; if it is right, there is nothing to release",
            Self::Other => "check the name, and that the server has the version of this program",
        }
    }
}

/// What to do about a problem.
pub(super) const fn hint(subject: Subject, code: Code) -> &'static str {
    match code {
        Code::NotFound | Code::EngineNotRegistered => subject.if_missing(),
        Code::InvalidRequest => "correct what the message names",
        Code::TooLarge => "send less at once, or keep the data elsewhere and enqueue where it is",
        Code::IdempotencyConflict => "use a new key for other work, or say the same as the first time",
        Code::WrongStatus => match subject {
            Subject::Event | Subject::DeadLetter => "look at it with `enginehouse event show`",
            _ => "look at it again: its state allows this no longer",
        },
        Code::LockLost => "drop the result: another engine may be at work on the event",
        Code::EngineSuperseded => "give each process an engine id of its own",
        Code::EngineAlive => "wait until the engine is lost, or deregister it",
        Code::WrongSession => "leave it to the process of the engine, or use a token that may control engines",
        Code::EngineLost => "start the engine again: its heartbeats did not come in time",
        Code::Unauthenticated => "name a token that is valid in ENGINEHOUSE_TOKEN_FILE or ENGINEHOUSE_TOKEN",
        Code::Forbidden => "ask whoever looks after the server for a token that permits it",
        Code::CrossOrigin => "call the server directly",
        Code::Overloaded | Code::ShuttingDown => "try again in a moment: nothing was done",
        Code::QuotaExceeded => "try again in a moment, with less at once: nothing was done",
        Code::LimitReached => "use fewer values of what the message names, or raise the limit: docs/configuration.md",
        Code::StoreUnavailable => "see the server's log, the disk and the database, then try again",
        Code::Timeout => "try again; look at the network if it happens again",
        Code::Unreadable => {
            "run `enginehouse doctor` on the server's store, and repair or delete the row that it names"
        }
        Code::Internal => "try again; if it fails again, report what the server's log says",
        Code::MisdirectedRequest => {
            "name the server by one of its own names with --url, or add this one to allowed_hosts"
        }
        Code::MethodNotAllowed | Code::UnsupportedMediaType | Code::UnsupportedTransferCoding => {
            "use a server of the version of this program"
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn no_hint_is_for_the_author_of_a_client() {
        for code in Code::VARIANTS {
            for subject in [Subject::Engine, Subject::Event, Subject::Other] {
                let hint = hint(subject, *code);
                assert!(
                    !hint.contains("Retry-After") && !hint.contains("request") && !hint.contains("epoch"),
                    "{hint}"
                );
            }
        }
    }
}
