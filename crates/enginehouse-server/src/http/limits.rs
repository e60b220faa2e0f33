//! What requests may cost.

use std::time::Duration;

/// What requests may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Largest body of a request that carries a batch, in bytes.
    pub max_batch_body_bytes: usize,
    /// The most bytes that the bodies of all control calls may take at once, and as many again their answers.
    pub max_control_bytes: usize,
    /// The same for bulk calls.
    pub max_bulk_bytes: usize,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most calls a second that enqueue or read with one token; no bound if none.
    pub max_requests_per_second_per_token: Option<u32>,
    /// Most events a second that are enqueued with one token; no bound if none.
    pub max_events_per_second_per_token: Option<u32>,
    /// Most streams of lines at once.
    pub max_streams: usize,
    /// How many bytes of a body must arrive in a second, on average.
    pub min_bytes_per_second: usize,
    /// How long a body may fall behind that.
    pub body_grace: Duration,
    /// How long a body may take as a whole, streams of lines aside.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: enginehouse_core::limits::MAX_BODY_BYTES,
            max_batch_body_bytes: enginehouse_core::limits::MAX_BATCH_BODY_BYTES,
            max_control_bytes: 128 * 1024 * 1024,
            max_bulk_bytes: 256 * 1024 * 1024,
            max_connections: 10_000,
            max_requests_per_second_per_token: None,
            max_events_per_second_per_token: None,
            max_streams: 64,
            min_bytes_per_second: 1_024,
            body_grace: Duration::from_secs(10),
            body_timeout: Duration::from_secs(300),
        }
    }
}
