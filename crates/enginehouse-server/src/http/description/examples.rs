//! A request for each call that has a body. They are one story, and a test tells it to a server: an engine that renders
//! frames registers, and is given an event.

use serde_json::{Value, json};

/// Events as lines, for the call that takes them so.
pub(super) const LINES: &str = "{\"event_type\":\"frame.render\",\"payload\":{\"frame\":3}}\n{\"event_type\":\"frame.render\",\"payload\":{\"frame\":4}}\n";

/// The body of a call, by its `operationId`.
pub(super) fn of(operation: &str) -> Option<Value> {
    let lock_token = "1-0123456789abcdef0123456789abcdef";
    let engine = json!({
        "engine_type": "renderer",
        "metadata": { "static_config": { "capabilities": ["gpu"], "engine_software_version": "1.4.0" } },
    });
    let settings = json!({ "retry_policy": { "max_retries": 5 }, "visibility_timeout_seconds": 600 });
    let error = json!({ "code": "out_of_memory", "message": "frame 1 needs more than 8 GiB" });
    Some(match operation {
        "enqueue_event" => json!({
            "event_type": "frame.render",
            "payload": { "frame": 1 },
            "required_capabilities": ["gpu"],
            "idempotency_key": "film-42/frame-1",
        }),
        "enqueue_batch" => json!({
            "events": [
                { "event_type": "frame.render", "payload": { "frame": 1 } },
                { "event_type": "frame.render", "payload": { "frame": 2 }, "priority": 2 },
            ],
        }),
        "register_engine" | "register_new_engine" => engine,
        "heartbeat" => json!({ "epoch": 1, "lock_tokens": [] }),
        "claim_events" => json!({ "epoch": 1, "limit": 2, "wait_seconds": 0 }),
        "exchange" => json!({
            "epoch": 1,
            "settlements": [{ "event_id": EVENT_ID, "lock_token": lock_token, "outcome": "complete", "result": { "seconds": 12.5 } }],
            "heartbeat": { "lock_tokens": [] },
            "claim": { "limit": 2, "wait_seconds": 0 },
        }),
        "complete_event" => json!({ "lock_token": lock_token, "result": { "seconds": 12.5 } }),
        "fail_event" => json!({ "lock_token": lock_token, "error": error, "retryable": true }),
        "release_event" => json!({ "lock_token": lock_token, "delay_seconds": 5 }),
        "extend_lock" => json!({ "lock_token": lock_token, "visibility_timeout_seconds": 600 }),
        "settle_events" => json!({
            "settlements": [
                { "event_id": EVENT_ID, "lock_token": lock_token, "outcome": "fail", "error": error },
            ],
        }),
        "quarantine_engine" => json!({ "reason": "its fan is loud", "event_types": ["frame.render"] }),
        "cancel_scenario_run" => json!({ "reason": "the wrong film" }),
        "pause_queue" | "pause_event_type" | "pause_scenario_run" => json!({ "reason": "the disk is full" }),
        "create_token" => {
            json!({ "name": "ci", "role": "producer", "selectors": { "queues": ["ci.*"] }, "expires_in_seconds": 2_592_000 })
        }
        "rotate_token" => json!({ "overlap_seconds": 3_600 }),
        "drain_engine" => json!({ "stop_when_drained": true }),
        "cancel_event" => json!({ "force": false }),
        "set_event_type" | "set_queue" => settings,
        "create_operation" | "preview_operation" => json!({
            "action": "cancel_events", "filter": "type:frame.render", "rate_per_second": 100, "reason": "the film was cancelled",
        }),
        "cancel_events" | "retry_events" => json!({ "filter": { "event_type": "frame.render" }, "dry_run": true }),
        "change_event" => json!({ "priority": 0, "required_memory_mb": 2048, "engine_version": null }),
        "redrive_event" | "redrive_dead_letter" => json!({ "payload": { "frame": 1 } }),
        "redrive_dead_letters" => json!({ "filter": { "event_type": "frame.render" }, "rate_per_second": 100 }),
        "discard_dead_letter" => json!({ "reason": "the film was cancelled" }),
        "discard_dead_letters" => {
            json!({ "filter": { "event_type": "frame.render" }, "reason": "the film was cancelled" })
        }
        _ => return None,
    })
}

const EVENT_ID: &str = "0193f2a0-7c4e-7000-8000-000000000000";
