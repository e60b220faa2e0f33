//! What is counted of each principal: of the first hundred by their names, of all others together.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use enginehouse_core::ids::TokenName;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::labels::OTHER;

/// Most principals that have time series of their own. A store may have thousands of tokens.
const MAX_PRINCIPALS: usize = 100;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfPrincipal {
    principal: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfQuota {
    principal: String,
    quota: &'static str,
}

/// What is counted of all of them.
#[derive(Debug)]
pub(super) struct PrincipalFamilies {
    pub(super) requests: Family<OfPrincipal, Counter>,
    pub(super) enqueued: Family<OfPrincipal, Counter>,
    pub(super) refused: Family<OfQuota, Counter>,
    pub(super) labelled: Mutex<HashSet<TokenName>>,
}

/// What is counted of one. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct PrincipalMetrics {
    label: String,
    requests: Counter,
    enqueued: Counter,
    refused: Family<OfQuota, Counter>,
}

impl PrincipalFamilies {
    /// A name keeps its series, whichever token has it: one that is made anew goes on where the last one ended.
    pub(super) fn of(&self, name: &TokenName) -> PrincipalMetrics {
        let mut labelled = self.labelled.lock().unwrap_or_else(PoisonError::into_inner);
        let has_own = labelled.contains(name) || labelled.len() < MAX_PRINCIPALS;
        if has_own {
            labelled.insert(name.clone());
        }
        drop(labelled);
        let label = if has_own { name.to_string() } else { OTHER.to_owned() };
        let of_principal = OfPrincipal { principal: label.clone() };
        PrincipalMetrics {
            requests: self.requests.get_or_create(&of_principal).clone(),
            enqueued: self.enqueued.get_or_create(&of_principal).clone(),
            refused: self.refused.clone(),
            label,
        }
    }
}

impl PrincipalMetrics {
    pub(crate) fn requested(&self) {
        self.requests.inc();
    }

    pub(crate) fn enqueued(&self, events: u64) {
        self.enqueued.inc_by(events);
    }

    pub(crate) fn refused(&self, quota: &'static str) {
        self.refused.get_or_create(&OfQuota { principal: self.label.clone(), quota }).inc();
    }
}
