//! What the flags say is to change about an event: one that waits, or one that is redriven.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::event_types::Settings;
use enginehouse_core::event_changes::FieldChange;
use enginehouse_core::ids::QueueName;
use enginehouse_core::json::RawJson;

use super::cli_error::CliError;
use super::enqueue::payload;
use super::event_flags::EventFlags;
use crate::exit_codes::Exit;

/// What is to be different. What is not given stays as it is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Changes")]
pub(crate) struct ChangeFlags {
    /// Replace the payload of one event: JSON, or - to read it from stdin
    #[arg(long, value_name = "JSON", value_parser = payload)]
    payload: Option<RawJson>,
    #[command(flatten)]
    event: EventFlags,
    /// Take a label away; may be given several times
    #[arg(long = "remove-label", value_name = "KEY")]
    removed_labels: Vec<String>,
    /// Take away what was set, as if the producer had left it out; may be given several times
    #[arg(long = "unset", value_name = "FIELD")]
    unset: Vec<Unsettable>,
}

/// A field that may be as if nobody had set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unsettable {
    Capabilities,
    MemoryMb,
    EngineVersion,
    RetryPolicy,
    VisibilityTimeoutSeconds,
    MaxProcessingSeconds,
    ProgressTimeoutSeconds,
    ExpiresAfterSeconds,
    Labels,
}

impl ChangeFlags {
    /// What is to change, in so many events.
    ///
    /// # Errors
    /// The flags contradict each other: `done` says what was not done then.
    pub(crate) fn request(
        self,
        queue: Option<QueueName>,
        events: usize,
        done: &'static str,
    ) -> Result<ChangeRequest, CliError> {
        let refused = |why: String, advice| Err(CliError::new(Exit::Invalid, done, why, advice));
        if self.payload.is_some() && events != 1 {
            let why = "a payload replaces that of one event, and this is about several".to_owned();
            return refused(why, "name one event with --payload");
        }
        let EventFlags { priority, run_at, delay_seconds, capabilities, memory_mb, .. } = self.event;
        let EventFlags { engine_version, expires_after_seconds, labels, policy, .. } = self.event;
        let policy = policy.apply(Settings::default());
        let mut labels: BTreeMap<_, _> = labels.into_iter().map(|(key, value)| (key, Some(value))).collect();
        labels.extend(self.removed_labels.into_iter().map(|key| (key, None)));
        let mut request = ChangeRequest {
            payload: self.payload,
            queue: set(queue),
            priority: set(priority),
            run_at: set(run_at),
            delay_seconds: set(delay_seconds),
            required_capabilities: set(Some(capabilities).filter(|names| !names.is_empty())),
            required_memory_mb: set(memory_mb),
            engine_version: set(engine_version),
            retry_policy: set(policy.retry_policy),
            visibility_timeout_seconds: set(policy.visibility_timeout_seconds),
            max_processing_seconds: set(policy.max_processing_seconds),
            progress_timeout_seconds: set(policy.progress_timeout_seconds),
            expires_after_seconds: set(expires_after_seconds),
            labels: set(Some(labels).filter(|labels| !labels.is_empty())),
        };
        for field in self.unset {
            let was_free = match field {
                Unsettable::Capabilities => unset(&mut request.required_capabilities),
                Unsettable::MemoryMb => unset(&mut request.required_memory_mb),
                Unsettable::EngineVersion => unset(&mut request.engine_version),
                Unsettable::RetryPolicy => unset(&mut request.retry_policy),
                Unsettable::VisibilityTimeoutSeconds => unset(&mut request.visibility_timeout_seconds),
                Unsettable::MaxProcessingSeconds => unset(&mut request.max_processing_seconds),
                Unsettable::ProgressTimeoutSeconds => unset(&mut request.progress_timeout_seconds),
                Unsettable::ExpiresAfterSeconds => unset(&mut request.expires_after_seconds),
                Unsettable::Labels => unset(&mut request.labels),
            };
            if !was_free {
                let field = field.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                return refused(format!("{field} is both set and unset"), "leave one of the two out");
            }
        }
        Ok(request)
    }
}

fn set<T>(value: Option<T>) -> FieldChange<T> {
    value.map_or(FieldChange::Keep, FieldChange::Set)
}

/// Answers whether the field was not to be set.
fn unset<T>(field: &mut FieldChange<T>) -> bool {
    let was_free = !matches!(field, FieldChange::Set(_));
    *field = FieldChange::Unset;
    was_free
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    fn request(flags: &str) -> String {
        let words = std::iter::once("set").chain(flags.split_whitespace());
        let matches = ChangeFlags::augment_args(Command::new("set")).try_get_matches_from(words).unwrap();
        match ChangeFlags::from_arg_matches(&matches).unwrap().request(None, 1, "nothing was changed") {
            Ok(request) => serde_json::to_string(&request).unwrap(),
            Err(error) => error.why,
        }
    }

    #[test]
    fn flags_are_a_merge_patch() {
        for (flags, expected) in [
            ("", "{}"),
            ("--priority 0 --delay-seconds 5", r#"{"priority":0,"delay_seconds":5.0}"#),
            ("--capability b --capability a", r#"{"required_capabilities":["b","a"]}"#),
            ("--unset capabilities --unset memory-mb", r#"{"required_capabilities":null,"required_memory_mb":null}"#),
            ("--label a=1 --remove-label b", r#"{"labels":{"a":"1","b":null}}"#),
            ("--max-retries 2 --unset labels", r#"{"retry_policy":{"max_retries":2},"labels":null}"#),
        ] {
            assert_eq!(request(flags), expected, "{flags}");
        }
        assert!(request("--memory-mb 5 --unset memory-mb").contains("memory-mb is both set and unset"));
    }
}
