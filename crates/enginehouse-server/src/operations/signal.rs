//! Tells whoever lets operations go on that there is something to do.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes the runner of this server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperationsSignal(Arc<Notify>);

impl OperationsSignal {
    pub(crate) fn notify(&self) {
        self.0.notify_one();
    }

    /// Ends when somebody has notified since it last ended.
    pub(crate) async fn notified(&self) {
        self.0.notified().await;
    }
}
