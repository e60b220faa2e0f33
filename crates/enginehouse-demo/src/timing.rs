//! Time: what has passed, and waiting for something to happen.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

pub(super) fn now() -> Instant {
    Instant::now()
}

pub(super) fn seconds(since: Instant) -> f64 {
    now().saturating_duration_since(since).as_secs_f64()
}

/// Lets time pass, as work does that is none.
#[expect(clippy::disallowed_methods, reason = "the engines of the busy fleet work by letting time pass")]
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Asks ten times a second until there is an answer.
pub(super) async fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
        }
    };
    tokio::time::timeout(limit, asking).await.with_context(|| format!("not within {limit:?}: {what}"))?
}
