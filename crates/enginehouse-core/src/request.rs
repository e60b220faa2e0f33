//! What engines ask for, checked.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::access::selector::Selectors;
use crate::access::session::SessionProof;
use crate::engine::DynamicState;
use crate::gates::ClaimFilter;
use crate::ids::EventId;
use crate::lock::LockToken;
use crate::report::AttemptReport;
use crate::transition::EventCommand;

/// Whether events of the engine's current scenario run come first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Affinity {
    /// They come first within a priority.
    #[default]
    Prefer,
    /// Only they.
    Require,
    /// They have no preference.
    None,
}

/// A claim that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// How many events at most; 1 to 1,000.
    pub limit: u32,
    /// How long the locks last, over every policy.
    pub visibility_timeout: Option<Duration>,
    /// How long to wait for a first event.
    pub wait: Duration,
    pub filter: ClaimFilter,
    /// Whether events of the engine's current scenario run come first.
    pub affinity: Affinity,
}

/// A heartbeat that was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heartbeat {
    /// How the engine is doing; as before, if none.
    pub dynamic_state: Option<DynamicState>,
    /// The locks that it still works on; none says nothing about any lock.
    pub lock_tokens: Option<Vec<LockToken>>,
    /// What it reports of its attempts. A lock that is reported on is one that it works on.
    pub reports: Vec<(LockToken, AttemptReport)>,
}

impl Heartbeat {
    /// The locks that its engine works on: those that it lists, and those that it reports on.
    pub fn named_locks(&self) -> impl Iterator<Item = LockToken> {
        let reported = self.reports.iter().map(|(token, _)| *token);
        self.lock_tokens.iter().flatten().copied().chain(reported)
    }
}

/// One settle of a batch, or a single one.
#[derive(Clone, Debug)]
pub struct SettleCommand {
    pub event_id: EventId,
    /// `Complete`, `Fail`, `Release` or `Extend`.
    pub command: EventCommand,
    /// What the engine reports of its attempt with it.
    pub report: AttemptReport,
    /// On what whoever sends it may act; none if that is not limited. What lies outside is as if it were not there.
    pub within: Option<Arc<Selectors>>,
    /// Who sends it.
    pub settler: Settler,
}

/// Who settles a lock, beside having its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settler {
    /// The process of its engine, as far as it shows the session.
    Engine(SessionProof),
    /// The command of the attempt, whose token was checked. It says nothing of the process of the engine.
    Command,
}

impl Default for Settler {
    fn default() -> Self {
        Self::Engine(SessionProof::default())
    }
}

impl SettleCommand {
    /// A settle with which nothing is reported.
    pub fn new(event_id: EventId, command: EventCommand) -> Self {
        Self { event_id, command, report: AttemptReport::default(), within: None, settler: Settler::default() }
    }
}

/// An engine's whole loop in one transaction: settle, heartbeat, claim, in this order.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// What it is done with.
    pub settlements: Vec<SettleCommand>,
    /// How it is doing.
    pub heartbeat: Option<Heartbeat>,
    /// What it can take.
    pub claim: Option<Claim>,
}
