//! A producer: enqueues events of the run, one call after the other, over one connection.

use enginehouse_api::enqueue::{BatchRequest, EnqueueRequest};
use enginehouse_client::{Client, Error};
use enginehouse_core::json::RawJson;

use super::context::{BenchContext, backoff};
use super::figures::Timed;
use super::names::BenchNames;
use super::payload::payload;

/// Produces until there is nothing more to enqueue, or the run ends.
pub(super) async fn produce(context: &BenchContext) {
    let client = context.client();
    let mut backoff = backoff();
    let bytes = context.shape.payload_bytes as usize;
    while let Some(call) = context.next_call().await {
        loop {
            let from = call.begins(context.watch.elapsed());
            let payload = payload(call.is_measured.then_some(from), bytes);
            match enqueue(&client, &context.names, &payload, call.events).await {
                Ok(()) => {
                    let to = context.watch.elapsed();
                    context.figures().enqueued(call.is_measured, from, to, call.events);
                    backoff.reset();
                    break;
                }
                Err(error) => context.failed(Timed::Enqueue, error, &mut backoff).await,
            }
            if context.stop.is_cancelled() {
                return;
            }
        }
    }
}

/// Enqueues so many events of the run: one by the call for one, more as a batch.
pub(super) async fn enqueue(client: &Client, names: &BenchNames, payload: &RawJson, events: u64) -> Result<(), Error> {
    let event = || EnqueueRequest {
        event_type: names.event_type.to_string(),
        queue: Some(names.queue.to_string()),
        payload: Some(payload.clone()),
        required_capabilities: vec![names.run.clone()],
        ..EnqueueRequest::default()
    };
    if events == 1 {
        return client.enqueue(&event()).await.map(drop);
    }
    let events = (0..events).map(|_| event()).collect();
    client.enqueue_batch(&BatchRequest { events, atomic: None }).await.map(drop)
}
