//! What event types and queues have in common on the command line.

use clap::Args;
use enginehouse_api::event_types::{PauseFields, Settings};
use enginehouse_core::policy::{RetryDelayPatch, RetryPolicyPatch};
use enginehouse_core::quarantine::QuarantineMode;
use enginehouse_core::retry_elsewhere::RetryElsewhere;
use enginehouse_core::verdict::WaitingVerdict;
use enginehouse_core::when_blocked::{BlockedAction, VerdictSet, WhenBlocked};

use super::server_and_output::words;

/// Single settings. What is not given stays as it is.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Changes {
    /// How many failed attempts are retried
    #[arg(long, value_name = "N")]
    max_retries: Option<u32>,
    /// Seconds before the first retry
    #[arg(long, value_name = "SECONDS")]
    retry_delay_initial: Option<f64>,
    /// The longest wait before a retry, in seconds
    #[arg(long, value_name = "SECONDS")]
    retry_delay_max: Option<f64>,
    /// How much longer each retry waits than the one before
    #[arg(long, value_name = "FACTOR")]
    retry_delay_multiplier: Option<f64>,
    /// The largest part that chance adds to a wait, from 0 to 1
    #[arg(long, value_name = "PART")]
    retry_delay_jitter: Option<f64>,
    /// How many failures make an event that an engine rejects a dead letter
    #[arg(long, value_name = "N")]
    dead_letter_threshold: Option<u32>,
    /// How many lost locks are forgiven
    #[arg(long, value_name = "N")]
    max_losses: Option<u32>,
    /// Whether another engine is to retry what one has failed
    #[arg(long, value_name = "WORD", value_parser = words::<RetryElsewhere>())]
    retry_elsewhere: Option<RetryElsewhere>,
    /// How long a lock lasts unless extended
    #[arg(long, value_name = "SECONDS")]
    visibility_timeout_seconds: Option<u64>,
    /// How long one attempt may take
    #[arg(long, value_name = "SECONDS")]
    max_processing_seconds: Option<u64>,
    /// How long one attempt may go on without reporting progress
    #[arg(long, value_name = "SECONDS")]
    progress_timeout_seconds: Option<u64>,
}

/// The same, with what only event types and queues set.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingsChanges {
    #[command(flatten)]
    policy: Changes,
    /// How long an event waits, while others pass it, until an engine is held back for it; 0 for never
    #[arg(long, value_name = "SECONDS")]
    hold_back_after_seconds: Option<u64>,
    /// How long makes the priority of an event that waits one step better; 0 for never
    #[arg(long, value_name = "SECONDS")]
    priority_aging_seconds: Option<u64>,
    /// What to do about engines that fail its events more than others do
    #[arg(long, value_name = "WORD", value_parser = words::<QuarantineMode>())]
    quarantine: Option<QuarantineMode>,
    /// What to do about events that nobody can run
    #[arg(long, value_name = "ACTION", value_parser = words::<BlockedAction>())]
    when_blocked: Option<BlockedAction>,
    /// After how long something is done about events that nobody can run [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    when_blocked_after_seconds: Option<u64>,
    /// With which verdicts nobody can [default: impossible,blocked]
    #[arg(long, value_name = "VERDICT,...", value_delimiter = ',', value_parser = words::<WaitingVerdict>())]
    when_blocked_verdicts: Option<Vec<WaitingVerdict>>,
}

impl SettingsChanges {
    /// `before` with what is given, or the defaults with it. Whether it is paused stays: resuming is a decision of its own.
    pub(crate) fn apply_to(&self, before: Settings, reset: bool) -> Settings {
        let before = if reset { Settings { paused: before.paused, ..Settings::default() } } else { before };
        Settings {
            hold_back_after_seconds: self.hold_back_after_seconds.or(before.hold_back_after_seconds),
            priority_aging_seconds: self.priority_aging_seconds.or(before.priority_aging_seconds),
            quarantine: self.quarantine.or(before.quarantine),
            when_blocked: self.when_blocked_after(before.when_blocked),
            ..self.policy.apply(before)
        }
    }
}

impl SettingsChanges {
    fn when_blocked_after(&self, before: Option<WhenBlocked>) -> Option<WhenBlocked> {
        let Self { when_blocked, when_blocked_after_seconds, when_blocked_verdicts, .. } = self;
        let is_given =
            when_blocked.is_some() || when_blocked_after_seconds.is_some() || when_blocked_verdicts.is_some();
        if !is_given {
            return before;
        }
        let usual = WhenBlocked { after_seconds: 3_600, verdicts: VerdictSet::default(), action: BlockedAction::Alert };
        let before = before.unwrap_or(usual);
        Some(WhenBlocked {
            after_seconds: when_blocked_after_seconds.unwrap_or(before.after_seconds),
            verdicts: when_blocked_verdicts.as_ref().map_or(before.verdicts, |all| all.iter().copied().collect()),
            action: when_blocked.unwrap_or(before.action),
        })
    }
}

impl Changes {
    /// `before` with what is given.
    pub(crate) fn apply(&self, before: Settings) -> Settings {
        let policy = before.retry_policy.unwrap_or_default();
        let delay = policy.retry_delay.unwrap_or_default();
        let delay = RetryDelayPatch {
            initial: self.retry_delay_initial.or(delay.initial),
            max: self.retry_delay_max.or(delay.max),
            multiplier: self.retry_delay_multiplier.or(delay.multiplier),
            jitter: self.retry_delay_jitter.or(delay.jitter),
        };
        let policy = RetryPolicyPatch {
            max_retries: self.max_retries.or(policy.max_retries),
            retry_delay: (delay != RetryDelayPatch::default()).then_some(delay),
            dead_letter_threshold: self.dead_letter_threshold.or(policy.dead_letter_threshold),
            max_losses: self.max_losses.or(policy.max_losses),
            retry_elsewhere: self.retry_elsewhere.or(policy.retry_elsewhere),
        };
        Settings {
            retry_policy: (policy != RetryPolicyPatch::default()).then_some(policy),
            visibility_timeout_seconds: self.visibility_timeout_seconds.or(before.visibility_timeout_seconds),
            max_processing_seconds: self.max_processing_seconds.or(before.max_processing_seconds),
            progress_timeout_seconds: self.progress_timeout_seconds.or(before.progress_timeout_seconds),
            ..before
        }
    }
}

/// The settings, for people: only what is set.
pub(crate) fn fields(settings: &Settings, pause: &PauseFields) -> Vec<(&'static str, String)> {
    let PauseFields { paused_at, pause_reason } = pause;
    let mut fields = vec![("paused", settings.paused.to_string())];
    fields.extend(paused_at.map(|at| ("paused_at", at.to_string())));
    fields.extend(pause_reason.clone().map(|reason| ("pause_reason", reason)));
    fields.extend(set_fields(settings));
    fields
}

/// What is set, whether it is paused left out.
fn set_fields(settings: &Settings) -> Vec<(&'static str, String)> {
    let policy = settings.retry_policy.unwrap_or_default();
    let delay = policy.retry_delay.unwrap_or_default();
    let given = [
        ("max_retries", policy.max_retries.map(|value| value.to_string())),
        ("retry_delay.initial", delay.initial.map(|value| value.to_string())),
        ("retry_delay.max", delay.max.map(|value| value.to_string())),
        ("retry_delay.multiplier", delay.multiplier.map(|value| value.to_string())),
        ("retry_delay.jitter", delay.jitter.map(|value| value.to_string())),
        ("dead_letter_threshold", policy.dead_letter_threshold.map(|value| value.to_string())),
        ("max_losses", policy.max_losses.map(|value| value.to_string())),
        ("retry_elsewhere", policy.retry_elsewhere.map(|value| value.name().to_owned())),
        ("visibility_timeout_seconds", settings.visibility_timeout_seconds.map(|value| value.to_string())),
        ("max_processing_seconds", settings.max_processing_seconds.map(|value| value.to_string())),
        ("hold_back_after_seconds", settings.hold_back_after_seconds.map(|value| value.to_string())),
        ("priority_aging_seconds", settings.priority_aging_seconds.map(|value| value.to_string())),
        ("progress_timeout_seconds", settings.progress_timeout_seconds.map(|value| value.to_string())),
        ("quarantine", settings.quarantine.map(|value| value.name().to_owned())),
    ];
    let when_blocked = settings.when_blocked.map(|set| {
        let verdicts: Vec<_> = set.verdicts.iter().map(WaitingVerdict::name).collect();
        let words = format!("{} after {} s if {}", set.action.name(), set.after_seconds, verdicts.join(" or "));
        ("when_blocked", Some(words))
    });
    let given = given.into_iter().chain(when_blocked).filter_map(|(name, value)| value.map(|value| (name, value)));
    given.collect()
}

/// Settings that were forgotten, for people: so that they can be set again.
pub(crate) fn forgotten_fields(what: &'static str, name: &str, before: &Settings) -> Vec<(&'static str, String)> {
    let was = if *before == Settings::default() { "nothing".to_owned() } else { in_one_line(before) };
    let was = match (before.paused, was.is_empty()) {
        (true, true) => "paused".to_owned(),
        (true, false) => format!("paused {was}"),
        (false, _) => was,
    };
    vec![(what, name.to_owned()), ("it had set", was)]
}

/// The settings in one cell of a table.
pub(crate) fn in_one_line(settings: &Settings) -> String {
    let given: Vec<_> = set_fields(settings).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    given.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let before: Settings =
            serde_json::from_str(r#"{"retry_policy":{"max_retries":1,"retry_delay":{"initial":5}},"paused":true}"#)
                .unwrap();
        let changes = Changes { retry_delay_max: Some(9.0), max_losses: Some(2), ..Changes::default() };
        let after = serde_json::to_string(&changes.apply(before)).unwrap();
        assert_eq!(
            after,
            r#"{"retry_policy":{"max_retries":1,"retry_delay":{"initial":5.0,"max":9.0},"max_losses":2},"paused":true}"#
        );
        assert_eq!(Changes::default().apply(Settings::default()), Settings::default());
        let before = Settings { hold_back_after_seconds: Some(0), ..before };
        let changes = SettingsChanges { priority_aging_seconds: Some(60), ..SettingsChanges::default() };
        let after = changes.apply_to(before, false);
        assert_eq!(after, Settings { priority_aging_seconds: Some(60), ..before });
        let reset = changes.apply_to(before, true);
        assert_eq!((reset.hold_back_after_seconds, reset.paused), (None, true));
    }
}
