//! What holds an event, in one word.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What holds an event, in one word. Of several reasons, the one that is hardest to change counts.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Verdict {
    /// No registered engine could ever run it.
    Impossible,
    /// A person can change it: something is paused, or no engine that fits is active.
    Blocked,
    /// Time will change it: it is not due yet, or every engine that fits has its hands full.
    Waiting,
    /// An engine that fits has room for it now.
    Runnable,
    /// An engine holds it.
    Running,
    /// It completed, failed or was cancelled.
    Finished,
}

impl Verdict {
    /// The word that stands in JSON, filters and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The verdict on something that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WaitingVerdict {
    /// No registered engine could ever run it.
    Impossible,
    /// A person can change it.
    Blocked,
    /// Time will change it.
    Waiting,
    /// An engine that fits has room for it now.
    Runnable,
}

impl WaitingVerdict {
    /// The word that stands in JSON and filters.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl From<WaitingVerdict> for Verdict {
    fn from(verdict: WaitingVerdict) -> Self {
        match verdict {
            WaitingVerdict::Impossible => Self::Impossible,
            WaitingVerdict::Blocked => Self::Blocked,
            WaitingVerdict::Waiting => Self::Waiting,
            WaitingVerdict::Runnable => Self::Runnable,
        }
    }
}
