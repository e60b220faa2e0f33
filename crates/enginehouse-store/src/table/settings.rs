//! Settings of event types and of queues, whose name comes before these columns; and the pauses of scenario runs.

use std::borrow::Cow;
use std::time::Duration;

use enginehouse_core::ids::ScenarioRunId;
use enginehouse_core::input::read_json;
use enginehouse_core::limits::{MAX_PRECEDENCE_WAIT, MAX_PROCESSING, MAX_PROGRESS_TIMEOUT, MAX_VISIBILITY_TIMEOUT};
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use enginehouse_core::quarantine::QuarantineMode;
use enginehouse_core::when_blocked::WhenBlocked;

use super::column::{Unexpected, columns, from_json, json_text, retry_policy, within};
use crate::rows::SettingsRow;

columns! {
    pub(crate) struct SettingsColumns<'a> {
        retry_policy: Option<Cow<'a, str>> as Json,
        visibility_timeout_seconds: Option<u64> as Long,
        max_processing_seconds: Option<u64> as Long,
        hold_back_after_seconds: Option<u64> as Long,
        priority_aging_seconds: Option<u64> as Long,
        when_blocked: Option<Cow<'a, str>> as Json,
        progress_timeout_seconds: Option<u64> as Long,
        quarantine: Option<QuarantineMode> as Text,
        pause: Option<Cow<'a, str>> as Json,
    }
}

impl SettingsColumns<'_> {
    pub(crate) fn of(row: &SettingsRow) -> Self {
        let SettingsRow { settings, pause } = row;
        let Settings {
            retry_policy,
            visibility_timeout_seconds,
            max_processing_seconds,
            hold_back_after_seconds,
            priority_aging_seconds,
            when_blocked,
            progress_timeout_seconds,
            quarantine,
            paused: _,
        } = settings;
        Self {
            retry_policy: retry_policy.as_ref().map(json_text),
            visibility_timeout_seconds: *visibility_timeout_seconds,
            max_processing_seconds: *max_processing_seconds,
            hold_back_after_seconds: *hold_back_after_seconds,
            priority_aging_seconds: *priority_aging_seconds,
            when_blocked: when_blocked.as_ref().map(json_text),
            progress_timeout_seconds: *progress_timeout_seconds,
            quarantine: *quarantine,
            pause: pause.as_ref().map(json_text),
        }
    }

    pub(crate) fn into_row(self) -> Result<SettingsRow, Unexpected> {
        let seconds = |value: Option<u64>| value.map(Duration::from_secs);
        within("visibility_timeout_seconds", seconds(self.visibility_timeout_seconds), MAX_VISIBILITY_TIMEOUT)?;
        within("max_processing_seconds", seconds(self.max_processing_seconds), MAX_PROCESSING)?;
        for (column, wait) in [
            ("hold_back_after_seconds", self.hold_back_after_seconds),
            ("priority_aging_seconds", self.priority_aging_seconds),
        ] {
            // Zero is never.
            within(column, seconds(wait.filter(|wait| *wait > 0)), MAX_PRECEDENCE_WAIT)?;
        }
        within("progress_timeout_seconds", seconds(self.progress_timeout_seconds), MAX_PROGRESS_TIMEOUT)?;
        let pause: Option<Pause> = self.pause.map(|text| from_json("pause", &text)).transpose()?;
        let settings = Settings {
            retry_policy: self.retry_policy.map(|text| retry_policy(&text)).transpose()?,
            visibility_timeout_seconds: self.visibility_timeout_seconds,
            max_processing_seconds: self.max_processing_seconds,
            hold_back_after_seconds: self.hold_back_after_seconds,
            priority_aging_seconds: self.priority_aging_seconds,
            when_blocked: self.when_blocked.map(|text| when_blocked(&text)).transpose()?,
            progress_timeout_seconds: self.progress_timeout_seconds,
            quarantine: self.quarantine,
            paused: pause.is_some(),
        };
        Ok(SettingsRow { settings, pause })
    }
}

columns! {
    pub(crate) struct RunPauseColumns<'a> {
        scenario_run_id: Cow<'a, ScenarioRunId> as Text,
        pause: Cow<'a, str> as Json,
    }
}

impl<'a> RunPauseColumns<'a> {
    pub(crate) fn of(run: &'a ScenarioRunId, pause: &Pause) -> Self {
        Self { scenario_run_id: Cow::Borrowed(run), pause: json_text(pause) }
    }

    pub(crate) fn into_pause(self) -> Result<(ScenarioRunId, Pause), Unexpected> {
        Ok((self.scenario_run_id.into_owned(), from_json("pause", &self.pause)?))
    }
}

fn when_blocked(text: &str) -> Result<WhenBlocked, Unexpected> {
    let read = read_json(text.as_bytes(), WhenBlocked::read);
    read.map_err(|_| Unexpected::new("when_blocked", "not what is done about events that nobody can run"))
}
