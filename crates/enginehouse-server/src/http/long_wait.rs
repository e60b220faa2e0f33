//! How a handler says that its answer may be long in coming.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a request has arrived as a whole and waits for something that may take long: an extension of the request, that
/// the connection has put there. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct LongWait(Arc<AtomicBool>);

impl LongWait {
    /// Says that it waits from now on. The body of its request must have been read.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
