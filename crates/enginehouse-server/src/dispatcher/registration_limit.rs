//! How often an engine may register: a few times in quick succession, as at a restart, and then once a second.
//!
//! Each registration ends locks, writes the registry, and has every server read it. An engine that registers in a loop, because
//! two processes share its id or it crashes at once, must not keep the others busy.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::ids::EngineId;

use crate::rate_limit::{KeyedRateLimit, RateLimit};

/// Clones count together.
#[derive(Clone)]
pub(super) struct RegistrationLimit(Arc<KeyedRateLimit<EngineId>>);

impl Default for RegistrationLimit {
    fn default() -> Self {
        Self(Arc::new(KeyedRateLimit::new(RateLimit::new(Duration::from_secs(1), 3))))
    }
}

impl RegistrationLimit {
    /// Counts a registration.
    ///
    /// # Errors
    /// It is one too many: after how long it would not be.
    pub(super) fn admit(&self, engine_id: &EngineId) -> Result<(), Duration> {
        self.0.admit(engine_id)
    }
}
