//! What engines report of attempts: in every call about a lock, and in heartbeats.

use enginehouse_core::input::Value;
use enginehouse_core::lock::LockToken;
use enginehouse_core::report::AttemptReport;
use serde::Serialize;
use utoipa::ToSchema;

/// Reads the fields of an object, those of a report among them, which becomes `$report`.
macro_rules! read_with_report {
    ($value:expr, $report:ident; $($name:ident: $way:ident($read:expr)),+ $(,)?) => {
        enginehouse_core::read_fields!($value;
            $($name: $way($read),)+
            usage: optional(enginehouse_core::report::AttemptUsage::read),
            progress: optional(enginehouse_core::report::AttemptProgress::read),
            checkpoint: optional(AttemptReport::read_checkpoint),
            log: or_default(AttemptReport::read_log),
            log_url: optional(AttemptReport::read_log_url),
        );
        let $report = AttemptReport { usage, progress, checkpoint, log: log.unwrap_or_default(), log_url };
    };
}
pub(crate) use read_with_report;

/// What an engine reports of one of its attempts, by the attempt's lock.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LockReport {
    /// The token of the claim's answer. A lock that is reported on is renewed, as one that is listed.
    pub lock_token: LockToken,
    /// What the engine reports of the attempt.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: AttemptReport,
}

impl LockReport {
    /// Reads a report. One that is wrong says no more than which lock it is about.
    pub(crate) fn read(value: Value<'_>, read_token: &mut Option<LockToken>) -> Option<(LockToken, AttemptReport)> {
        read_with_report!(value, report; lock_token: required(|value| value.parsed()));
        *read_token = lock_token;
        Some((lock_token?, report))
    }
}

/// The names of the schemas that have the fields of a report among their own.
pub const WITH_REPORT: [&str; 6] =
    ["CompleteRequest", "ExtendRequest", "FailRequest", "LockReport", "ReleaseRequest", "Settlement"];
