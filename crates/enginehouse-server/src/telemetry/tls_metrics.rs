//! What is measured of TLS.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// What is measured of TLS.
#[derive(Clone, Debug)]
pub(crate) struct TlsMetrics {
    pub(super) expires_at: Gauge,
    pub(super) reloads: Counter,
    pub(super) reload_failed: Gauge,
    pub(super) handshakes_failed: Counter,
}

impl TlsMetrics {
    /// When the certificate in force expires, in seconds since 1970.
    pub(crate) fn set_expires_at(&self, seconds: i64) {
        self.expires_at.set(seconds);
    }

    /// The files have changed, and are used.
    pub(crate) fn reloaded(&self) {
        self.reloads.inc();
    }

    /// Whether the files as they are now cannot be used.
    pub(crate) fn set_reload_failed(&self, has_failed: bool) {
        self.reload_failed.set(i64::from(has_failed));
    }

    pub(crate) fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }
}
