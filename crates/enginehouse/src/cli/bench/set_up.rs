//! What has to be there before a run: engines, and what they take if nobody produces.

use std::num::NonZeroU64;
use std::sync::Arc;

use enginehouse_api::engines::Engine;
use enginehouse_client::{Client, Error};
use tokio::task::JoinSet;

use super::super::cli_error::CliError;
use super::bench_engine::register;
use super::load_shape::LoadShape;
use super::names::BenchNames;
use super::numbers::thousands;
use super::payload::payload;
use super::producer::enqueue;
use super::progress::BenchProgress;
use crate::exit_codes::Exit;

/// How many events a call enqueues before the start, and how many bytes of payloads at most.
const PREFILL_BATCH: u64 = 1_000;
const PREFILL_BYTES: u64 = 4 * 1024 * 1024;
/// How many of these calls are under way at once.
const PREFILL_CALLS: u64 = 4;

/// Registers the engines of a run, and enqueues what they are to take if there are no producers. Answers their epochs.
pub(super) async fn set_up(
    client: &Client,
    names: &BenchNames,
    shape: &LoadShape,
    progress: BenchProgress,
) -> Result<Vec<Engine>, CliError> {
    if shape.engines > 0 && shape.queue.is_some() {
        refuse_paused(client, names).await?;
    }
    let failed = |error| CliError::call("nothing was measured: an engine could not register", error);
    let engines = register_all(client, names, shape).await.map_err(failed)?;
    if let (0, Some(events)) = (shape.producers, shape.events) {
        progress.say(&format!("enqueueing {} events for the engines", thousands(events.get())));
        let failed =
            |error| CliError::call("nothing was measured: the events for the engines were not enqueued", error);
        prefill(client, names, shape.payload_bytes, events).await.map_err(failed)?;
    }
    Ok(engines)
}

/// In a paused queue, engines would wait in vain.
async fn refuse_paused(client: &Client, names: &BenchNames) -> Result<(), CliError> {
    let queue = &names.queue;
    // A queue that has no settings is not paused. Other errors come up again with the next call.
    match client.queue(queue).await {
        Ok(found) if found.settings.paused => Err(CliError::new(
            Exit::Conflict,
            "nothing was measured",
            format_args!("queue {queue} is paused, so engines get nothing of it"),
            format!("resume it with `enginehouse queue resume {queue}`, or name another --queue"),
        )),
        _ => Ok(()),
    }
}

async fn register_all(client: &Client, names: &BenchNames, shape: &LoadShape) -> Result<Vec<Engine>, Error> {
    let names = Arc::new(names.clone());
    let batch = shape.batch;
    let mut calls = JoinSet::new();
    for number in 0..shape.engines {
        let (client, names) = (client.clone(), Arc::clone(&names));
        calls.spawn(async move { register(&client, &names, &names.engine_id(number), batch).await });
    }
    calls.join_all().await.into_iter().collect()
}

async fn prefill(client: &Client, names: &BenchNames, payload_bytes: u32, events: NonZeroU64) -> Result<(), Error> {
    let payload = payload(None, payload_bytes as usize);
    let batch = (PREFILL_BYTES / u64::from(payload_bytes)).clamp(1, PREFILL_BATCH);
    let mut calls = JoinSet::new();
    for number in 0..PREFILL_CALLS {
        let mut left = events.get() / PREFILL_CALLS + u64::from(number < events.get() % PREFILL_CALLS);
        let (client, names, payload) = (client.clone(), names.clone(), payload.clone());
        calls.spawn(async move {
            while left > 0 {
                let call = batch.min(left);
                enqueue(&client, &names, &payload, call).await?;
                left -= call;
            }
            Ok(())
        });
    }
    calls.join_all().await.into_iter().collect()
}
