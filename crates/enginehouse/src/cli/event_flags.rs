//! What the flags say about an event, wherever it is enqueued, changed or redriven.

use clap::Args;
use enginehouse_core::ids::Capability;
use enginehouse_core::time::Timestamp;

use super::settings::Changes;
use super::times::future;

/// What an event may say about itself, and people may change.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EventFlags {
    /// 0 (first) to 9 (last)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) priority: Option<u8>,
    /// Not to be claimed before this moment, such as 1h (from now), 2026-11-01 or 2026-11-01T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = future, conflicts_with = "delay_seconds")]
    pub(crate) run_at: Option<Timestamp>,
    /// Not to be claimed before so many seconds from now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) delay_seconds: Option<f64>,
    /// Something that the engine must be capable of; may be given several times, and replaces all that was required
    #[arg(long = "capability", value_name = "CAPABILITY")]
    pub(crate) capabilities: Vec<Capability>,
    /// Memory that the engine must have free, in MiB
    #[arg(long, value_name = "N")]
    pub(crate) memory_mb: Option<u64>,
    /// The range that the engine's version must lie in, such as '>=1.4, <2'
    #[arg(long, value_name = "RANGE")]
    pub(crate) engine_version: Option<String>,
    /// How many seconds after it comes due it is cancelled if nobody has claimed it
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires_after_seconds: Option<u64>,
    /// A label to find it by, beside those that it has; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub(crate) labels: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) policy: Changes,
}

/// Parses a label on the command line.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
