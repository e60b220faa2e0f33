//! Enqueues one event after the other, each until it is known what has become of it.

use std::time::Duration;

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_core::json::RawJson;
use enginehouse_core::policy::RetryPolicyPatch;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{ClientFleet, PAUSE, pause};
use crate::caller::Caller;
use crate::history::{Answer, CallOutcome};

/// With so many events waiting, producers wait too: what is found in the end has to be finished.
const MAX_BACKLOG: u64 = 1_000;
/// After how many events a producer looks at the backlog.
const LOOK_EVERY: u64 = 20;

/// An event of this key, in one of a few lanes, sometimes delayed.
fn draft(key: &str, rng: &mut StdRng) -> EnqueueRequest {
    EnqueueRequest {
        event_type: format!("work-{}", rng.random_range(0..4)),
        payload: Some(RawJson::trusted(format!(r#"{{"key": "{key}", "n": {}}}"#, rng.random_range(0..1_000_000)))),
        priority: Some(rng.random_range(3..7)),
        delay_seconds: rng.random_bool(0.2).then(|| rng.random_range(0.1..3.0)),
        idempotency_key: Some(key.to_owned()),
        // Losses are what a campaign makes: an event that it loses goes on.
        retry_policy: Some(RetryPolicyPatch { max_losses: Some(1_000), ..RetryPolicyPatch::default() }),
        ..EnqueueRequest::default()
    }
}

pub(crate) async fn produce(caller: Caller, fleet: ClientFleet, name: String, seed: u64, pace: Duration) {
    let mut rng = StdRng::seed_from_u64(seed);
    for number in 0_u64.. {
        let mut key = format!("{name}-{number}");
        let mut request = draft(&key, &mut rng);
        let mut is_unsure = false;
        while number % LOOK_EVERY == 0 && !fleet.producers_are_stopped() && has_backlog(&caller).await {
            pause(PAUSE).await;
        }
        loop {
            if fleet.engines_are_stopped() || (fleet.producers_are_stopped() && !is_unsure) {
                return;
            }
            match caller.enqueue(&request).await {
                CallOutcome::Ok(Answer::Enqueued { event_id, .. }) => {
                    fleet.remember(event_id);
                    if rng.random_bool(0.05) {
                        // A repeat is the same event, whoever answers it.
                        caller.enqueue(&request).await;
                    }
                    break;
                }
                CallOutcome::Unknown => is_unsure = true,
                // Never again under a key that was refused: the checker looks for what it may have left behind.
                _ if !is_unsure => {
                    key.push('+');
                    request = draft(&key, &mut rng);
                }
                _ => {}
            }
            pause(PAUSE).await;
        }
        pause(pace).await;
    }
}

async fn has_backlog(caller: &Caller) -> bool {
    caller.client().stats().await.is_ok_and(|stats| stats.events.queued > MAX_BACKLOG)
}
