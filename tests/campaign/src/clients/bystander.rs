//! An engine that has nothing to do with anything that goes wrong: a queue of its own, a connection that nobody cuts.
//!
//! Its latency is that of a client whom other people's faults must not reach.

use std::time::Duration;

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_core::ids::EngineId;
use enginehouse_core::json::RawJson;

use super::engine::{INTERVAL, is_fenced_off};
use super::{ClientFleet, PAUSE, pause};
use crate::caller::Caller;
use crate::history::{Answer, CallHistory, CallOutcome, Settling};
use crate::latency::{Latencies, Sample};

/// How long it waits between two rounds.
const BETWEEN: Duration = Duration::from_millis(100);

/// The queue of the bystander of a server, and its name.
pub(crate) fn queue(server: usize) -> String {
    format!("bystander-{server}")
}

/// Works until engines stop; enqueues until producers do.
pub(crate) async fn stand_by(
    caller: Caller,
    fleet: ClientFleet,
    history: CallHistory,
    server: usize,
    latencies: Latencies,
) {
    let queue = queue(server);
    let Ok(engine_id) = queue.parse::<EngineId>() else { unreachable!("plain words are a name") };
    let mut epoch = None;
    let mut number = 0_u64;
    while !fleet.engines_are_stopped() {
        let Some(current) = epoch else {
            if let CallOutcome::Ok(Answer::Registered { epoch: given }) = caller.register(&engine_id, INTERVAL).await {
                epoch = Some(given);
            }
            pause(PAUSE).await;
            continue;
        };
        if !fleet.producers_are_stopped() {
            number += 1;
            caller.enqueue(&draft(&queue, number)).await;
        }
        let claimed = caller.claim(&engine_id, current, &queue, 2, 0.0).await;
        if is_fenced_off(&claimed) {
            epoch = None;
        }
        let claims = if let CallOutcome::Ok(Answer::Claimed(claims)) = claimed { claims } else { Vec::new() };
        let tokens = claims.iter().map(|claim| claim.token).collect();
        let from = history.now();
        let answered = caller.heartbeat(&engine_id, current, tokens).await;
        latencies.add(sample("heartbeat", server, from, &history, &answered));
        for claim in claims {
            let (from, result) = (history.now(), claim.token.serial.to_string());
            let answered = caller.settle(claim.event_id, claim.token, Settling::Complete { result }).await;
            latencies.add(sample("settle", server, from, &history, &answered));
        }
        pause(BETWEEN).await;
    }
}

fn sample(call: &'static str, server: usize, from: Duration, history: &CallHistory, answered: &CallOutcome) -> Sample {
    Sample { call, server, from, to: history.now(), is_ok: matches!(answered, CallOutcome::Ok(_)) }
}

fn draft(queue: &str, number: u64) -> EnqueueRequest {
    let key = format!("{queue}-{number}");
    EnqueueRequest {
        event_type: queue.to_owned(),
        payload: Some(RawJson::trusted(format!(r#"{{"key": "{key}"}}"#))),
        queue: Some(queue.to_owned()),
        idempotency_key: Some(key),
        ..EnqueueRequest::default()
    }
}
