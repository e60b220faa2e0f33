//! How an event is retried: event over event type over queue over server default, field by field.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::input::Value;
use crate::limits::{
    DEFAULT_VISIBILITY_TIMEOUT, MAX_LOSSES, MAX_PRECEDENCE_WAIT, MAX_PROCESSING, MAX_PROGRESS_TIMEOUT, MAX_RETRIES,
    MAX_RETRY_DELAY_SECONDS, MAX_RETRY_MULTIPLIER, MAX_VISIBILITY_TIMEOUT,
};
use crate::quarantine::QuarantineMode;
use crate::read_fields;
use crate::retry_elsewhere::RetryElsewhere;
use crate::when_blocked::WhenBlocked;

/// How long to wait before a retry: `min(initial * multiplier^(retries-1), max) * (1 + u * jitter)` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryDelay {
    /// Seconds before the first retry.
    pub initial: f64,
    /// The longest wait in seconds, jitter aside.
    pub max: f64,
    /// How much longer each retry waits than the one before.
    pub multiplier: f64,
    /// The largest part that chance adds, from 0 to 1. It never shortens a wait.
    pub jitter: f64,
}

/// What becomes of failed attempts and lost locks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryPolicy {
    /// How many failed attempts are retried.
    pub max_retries: u32,
    /// How long to wait before a retry.
    pub retry_delay: RetryDelay,
    /// How many failures make a rejected event a dead letter; one whose retries are exhausted always is.
    pub dead_letter_threshold: u32,
    /// How many lost locks are forgiven.
    pub max_losses: u32,
    /// Whether another engine is to retry what one has failed.
    pub retry_elsewhere: RetryElsewhere,
}

impl RetryPolicy {
    /// What holds where nobody says otherwise: 4 attempts, 30, 60 and 120 s apart, then a dead letter.
    pub const DEFAULT: Self = Self {
        max_retries: 3,
        retry_delay: RetryDelay { initial: 30.0, max: 300.0, multiplier: 2.0, jitter: 0.1 },
        dead_letter_threshold: 3,
        max_losses: 3,
        retry_elsewhere: RetryElsewhere::Prefer,
    };

    /// This policy with the fields that `patch` gives.
    #[must_use]
    pub fn with(self, patch: &RetryPolicyPatch) -> Self {
        let delay = patch.retry_delay.unwrap_or_default();
        Self {
            max_retries: patch.max_retries.unwrap_or(self.max_retries),
            retry_delay: RetryDelay {
                initial: delay.initial.unwrap_or(self.retry_delay.initial),
                max: delay.max.unwrap_or(self.retry_delay.max),
                multiplier: delay.multiplier.unwrap_or(self.retry_delay.multiplier),
                jitter: delay.jitter.unwrap_or(self.retry_delay.jitter),
            },
            dead_letter_threshold: patch.dead_letter_threshold.unwrap_or(self.dead_letter_threshold),
            max_losses: patch.max_losses.unwrap_or(self.max_losses),
            retry_elsewhere: patch.retry_elsewhere.unwrap_or(self.retry_elsewhere),
        }
    }
}

/// Some fields of a [`RetryDelay`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryDelayPatch {
    /// Seconds before the first retry; 0 to 2,592,000, and at most `max` where both are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_592_000))]
    pub initial: Option<f64>,
    /// The longest wait in seconds, jitter aside; 0 to 2,592,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_592_000))]
    pub max: Option<f64>,
    /// How much longer each retry waits than the one before; 1 to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000))]
    pub multiplier: Option<f64>,
    /// The largest part that chance adds; 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub jitter: Option<f64>,
}

/// Some fields of a [`RetryPolicy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryPolicyPatch {
    /// How many failed attempts are retried; 0 to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000))]
    pub max_retries: Option<u32>,
    /// How long to wait before a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<RetryDelayPatch>,
    /// How many failures make an event that an engine rejects (`retryable: false`) a dead letter; 1 to 1,000. One whose
    /// retries are exhausted always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000))]
    pub dead_letter_threshold: Option<u32>,
    /// How many lost locks are forgiven; 0 to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000))]
    pub max_losses: Option<u32>,
    /// Whether another engine is to retry what one has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_elsewhere: Option<RetryElsewhere>,
}

impl RetryPolicyPatch {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            max_retries: optional(|value| value.whole(0..=MAX_RETRIES)),
            retry_delay: optional(RetryDelayPatch::read),
            dead_letter_threshold: optional(|value| value.whole(1..=MAX_RETRIES)),
            max_losses: optional(|value| value.whole(0..=MAX_LOSSES)),
            retry_elsewhere: optional(|value| value.word()),
        );
        Some(Self { max_retries, retry_delay, dead_letter_threshold, max_losses, retry_elsewhere })
    }
}

impl RetryDelayPatch {
    fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            initial: optional(|value| value.number(0.0..=MAX_RETRY_DELAY_SECONDS)),
            max: optional(|value| value.number(0.0..=MAX_RETRY_DELAY_SECONDS)),
            multiplier: optional(|value| value.number(1.0..=MAX_RETRY_MULTIPLIER)),
            jitter: optional(|value| value.number(0.0..=1.0)),
        );
        // Where only one of them is given, the other comes from somewhere else, and may change there.
        if let (Some(initial), Some(max)) = (initial, max)
            && initial > max
        {
            value.refuse_field("initial", format_args!("must be at most max, which is {max}, was {initial}"));
        }
        Some(Self { initial, max, multiplier, jitter })
    }
}

/// What an event type or a queue sets for its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Overrides single fields of the retry policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicyPatch>,
    /// How long a lock lasts unless extended; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 604_800))]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_592_000))]
    pub max_processing_seconds: Option<u64>,
    /// After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to 2,592,000, and 0 for
    /// never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_592_000))]
    pub hold_back_after_seconds: Option<u64>,
    /// How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_592_000))]
    pub priority_aging_seconds: Option<u64>,
    /// What is done about its events that nobody can run for a while; nothing, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_blocked: Option<WhenBlocked>,
    /// How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_592_000))]
    pub progress_timeout_seconds: Option<u64>,
    /// What is done about engines that fail its events more than others do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<QuarantineMode>,
    /// Whether its events are kept from being claimed.
    #[serde(default)]
    pub paused: bool,
}

impl Settings {
    /// What holds where the settings are there but cannot be read: nothing is given out, since nobody can tell by which rules.
    pub const UNREADABLE: Self = Self {
        retry_policy: None,
        visibility_timeout_seconds: None,
        max_processing_seconds: None,
        progress_timeout_seconds: None,
        quarantine: None,
        hold_back_after_seconds: None,
        priority_aging_seconds: None,
        when_blocked: None,
        paused: true,
    };

    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            retry_policy: optional(RetryPolicyPatch::read),
            visibility_timeout_seconds: optional(|value| value.whole(1..=MAX_VISIBILITY_TIMEOUT.as_secs())),
            max_processing_seconds: optional(|value| value.whole(1..=MAX_PROCESSING.as_secs())),
            hold_back_after_seconds: optional(|value| value.whole(0..=MAX_PRECEDENCE_WAIT.as_secs())),
            priority_aging_seconds: optional(|value| value.whole(0..=MAX_PRECEDENCE_WAIT.as_secs())),
            when_blocked: optional(WhenBlocked::read),
            progress_timeout_seconds: optional(|value| value.whole(1..=MAX_PROGRESS_TIMEOUT.as_secs())),
            quarantine: optional(|value| value.word()),
            paused: or_default(|value| value.boolean()),
        );
        Some(Self {
            retry_policy,
            visibility_timeout_seconds,
            max_processing_seconds,
            hold_back_after_seconds,
            priority_aging_seconds,
            when_blocked,
            progress_timeout_seconds,
            quarantine,
            paused: paused?,
        })
    }
}

/// Everything that decides how one event is processed and retried, resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// What becomes of failed attempts and lost locks.
    pub retry: RetryPolicy,
    /// How long a lock lasts unless extended.
    pub visibility_timeout: Duration,
    pub max_processing: Option<Duration>,
    pub progress_timeout: Option<Duration>,
    /// What is done about engines that fail such events more than others do.
    pub quarantine: QuarantineMode,
}

impl Policy {
    /// What holds where nobody says otherwise.
    pub const DEFAULT: Self = Self {
        retry: RetryPolicy::DEFAULT,
        visibility_timeout: DEFAULT_VISIBILITY_TIMEOUT,
        max_processing: None,
        progress_timeout: None,
        quarantine: QuarantineMode::Advise,
    };
}

/// What an event sets for itself, over its event type and queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Single fields of the retry policy.
    pub retry_policy: Option<RetryPolicyPatch>,
    pub visibility_timeout: Option<Duration>,
    pub max_processing: Option<Duration>,
    pub progress_timeout: Option<Duration>,
}

/// Resolves a policy: event over event type over queue over default, field by field.
pub fn resolve(event: &Overrides, event_type: Option<&Settings>, queue: Option<&Settings>, default: &Policy) -> Policy {
    let retry = [queue, event_type]
        .into_iter()
        .flatten()
        .filter_map(|settings| settings.retry_policy.as_ref())
        .chain(event.retry_policy.as_ref())
        .fold(default.retry, RetryPolicy::with);
    let nearest = |own: Option<Duration>, of: fn(&Settings) -> Option<u64>| {
        own.or_else(|| event_type.and_then(of).or_else(|| queue.and_then(of)).map(Duration::from_secs))
    };
    Policy {
        retry,
        visibility_timeout: nearest(event.visibility_timeout, |settings| settings.visibility_timeout_seconds)
            .unwrap_or(default.visibility_timeout),
        max_processing: nearest(event.max_processing, |settings| settings.max_processing_seconds)
            .or(default.max_processing),
        progress_timeout: nearest(event.progress_timeout, |settings| settings.progress_timeout_seconds)
            .or(default.progress_timeout),
        quarantine: quarantine_mode(event_type, queue, default.quarantine),
    }
}

/// What waiting does for an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precedence {
    /// After how long an engine is held back for it; never if none.
    pub hold_back_after: Option<Duration>,
    /// How long makes its priority one step better; it stays if none.
    pub aging: Option<Duration>,
}

/// What is done about events that nobody can run: what their event type says, or else their queue.
pub fn when_blocked(event_type: Option<&Settings>, queue: Option<&Settings>) -> Option<WhenBlocked> {
    let of = |settings: Option<&Settings>| settings.and_then(|settings| settings.when_blocked);
    of(event_type).or_else(|| of(queue))
}

/// What is done about engines that fail events more than others do: what their event type says, or else their queue.
pub fn quarantine_mode(
    event_type: Option<&Settings>,
    queue: Option<&Settings>,
    default: QuarantineMode,
) -> QuarantineMode {
    let of = |settings: Option<&Settings>| settings.and_then(|settings| settings.quarantine);
    of(event_type).or_else(|| of(queue)).unwrap_or(default)
}

/// Resolves what waiting does for events: event type over queue over default. Zero is never.
pub fn precedence(
    event_type: Option<&Settings>,
    queue: Option<&Settings>,
    hold_back_after: Option<Duration>,
) -> Precedence {
    let nearest = |of: fn(&Settings) -> Option<u64>| {
        event_type.and_then(of).or_else(|| queue.and_then(of)).map(Duration::from_secs)
    };
    let or_never = |wait: Option<Duration>| wait.filter(|wait| !wait.is_zero());
    Precedence {
        hold_back_after: or_never(nearest(|settings| settings.hold_back_after_seconds).or(hold_back_after)),
        aging: or_never(nearest(|settings| settings.priority_aging_seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> Settings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_delay_does_not_begin_above_its_maximum() {
        let read = |delay: &str| {
            let policy = format!(r#"{{"retry_delay":{delay}}}"#);
            crate::input::read_json(policy.as_bytes(), RetryPolicyPatch::read).map_err(|refused| refused.to_string())
        };
        assert_eq!(
            read(r#"{"initial":60,"max":30.5}"#).unwrap_err(),
            "/retry_delay/initial: must be at most max, which is 30.5, was 60"
        );
        // The other one comes from elsewhere, and may change there.
        for good in [r#"{"initial":60}"#, r#"{"max":0}"#, r#"{"initial":30,"max":30}"#, r#"{"initial":60,"max":null}"#]
        {
            assert!(read(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn each_field_comes_from_the_nearest_that_gives_it() {
        let queue = settings(
            r#"{"retry_policy":{"max_retries":1,"max_losses":1,"retry_delay":{"initial":1,"max":10}},
                                 "visibility_timeout_seconds":10,"max_processing_seconds":100}"#,
        );
        let event_type = settings(
            r#"{"retry_policy":{"max_retries":2,"retry_delay":{"initial":2}},"visibility_timeout_seconds":20}"#,
        );
        let event = Overrides {
            retry_policy: Some(RetryPolicyPatch { max_retries: Some(3), ..Default::default() }),
            ..Default::default()
        };
        let policy = resolve(&event, Some(&event_type), Some(&queue), &Policy::DEFAULT);
        assert_eq!(policy.retry.max_retries, 3, "from the event");
        assert_eq!(policy.retry.retry_delay.initial, 2.0, "from the event type");
        assert_eq!(policy.retry.retry_delay.max, 10.0, "from the queue");
        assert_eq!(policy.retry.max_losses, 1, "from the queue");
        assert_eq!(policy.retry.dead_letter_threshold, 3, "from the default");
        assert_eq!(policy.visibility_timeout, Duration::from_secs(20));
        assert_eq!(policy.max_processing, Some(Duration::from_secs(100)));
    }

    #[test]
    fn what_waiting_does_comes_from_the_nearest_that_says_so_and_zero_is_never() {
        let minute = Duration::from_secs(60);
        let event_type = settings(r#"{"hold_back_after_seconds":0}"#);
        let queue = settings(r#"{"hold_back_after_seconds":5,"priority_aging_seconds":60}"#);
        let of = |event_type, queue| {
            let Precedence { hold_back_after, aging } = precedence(event_type, queue, Some(minute));
            (hold_back_after, aging)
        };
        assert_eq!(of(None, None), (Some(minute), None));
        assert_eq!(of(None, Some(&queue)), (Some(Duration::from_secs(5)), Some(minute)));
        assert_eq!(of(Some(&event_type), Some(&queue)), (None, Some(minute)));
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let policy = resolve(&Overrides::default(), None, None, &Policy::DEFAULT);
        assert_eq!(policy.retry, RetryPolicy::DEFAULT);
        assert_eq!(policy.visibility_timeout, Duration::from_secs(300));
        assert_eq!(policy.max_processing, None);
    }

    #[test]
    fn settings_out_of_range_are_refused_field_by_field() {
        let body = r#"{"retry_policy":{"retry_delay":{"initial":-1,"multiplier":0.5,"jitter":2},"dead_letter_threshold":0},
                       "visibility_timeout_seconds":0,"max_processing_seconds":9999999,
                       "hold_back_after_seconds":2592001,"priority_aging_seconds":-1}"#;
        let refused = crate::input::read_json(body.as_bytes(), Settings::read).unwrap_err();
        let pointers: Vec<_> = refused.errors.into_iter().map(|error| error.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/retry_policy/retry_delay/initial",
                "/retry_policy/retry_delay/multiplier",
                "/retry_policy/retry_delay/jitter",
                "/retry_policy/dead_letter_threshold",
                "/visibility_timeout_seconds",
                "/max_processing_seconds",
                "/hold_back_after_seconds",
                "/priority_aging_seconds"
            ]
        );
    }
}
