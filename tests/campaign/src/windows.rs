//! When something was wrong with a server itself, so that its clients could expect nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// After a fault has ended: connections are made again, and what piled up is carried out.
const AFTERMATH: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
struct FaultWindow {
    server: usize,
    from: Duration,
    to: Duration,
}

/// All of them, by server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windows(Arc<Mutex<Vec<FaultWindow>>>);

impl Windows {
    pub(crate) fn add(&self, server: usize, from: Duration, to: Duration) {
        let window = FaultWindow { server, from, to: to + AFTERMATH };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(window);
    }

    /// Whether a call to this server overlaps one.
    pub(crate) fn touch(&self, server: usize, from: Duration, to: Duration) -> bool {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.iter().any(|window| window.server == server && window.from <= to && from <= window.to)
    }
}
