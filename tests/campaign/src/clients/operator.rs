//! Cancels and redrives events that it knows of.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{ClientFleet, pause};
use crate::caller::Caller;

pub(crate) async fn operate(caller: Caller, fleet: ClientFleet, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !fleet.producers_are_stopped() {
        pause(Duration::from_millis(rng.random_range(50..500))).await;
        let Some(event_id) = fleet.recent(rng.random_range(0..1_000_000)) else { continue };
        if rng.random_bool(0.5) {
            caller.cancel(event_id, rng.random_bool(0.3)).await;
        } else {
            // Most are refused: an event that is not over cannot be redriven.
            caller.redrive(event_id).await;
        }
    }
}
