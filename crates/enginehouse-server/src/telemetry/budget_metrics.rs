//! What is counted of one budget.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfBudget {
    pub(super) budget: &'static str,
}

/// How much of a budget is held, and how often there was no room.
#[derive(Clone, Debug, Default)]
pub(crate) struct BudgetMetrics {
    pub(super) held: Gauge,
    pub(super) refused: Counter,
}

impl BudgetMetrics {
    pub(crate) fn held(&self, change: i64) {
        self.held.inc_by(change);
    }

    pub(crate) fn refused(&self) {
        self.refused.inc();
    }
}
