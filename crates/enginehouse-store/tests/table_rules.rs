//! No table takes what no server can read, whoever writes it.

use enginehouse_cluster::shared;
use enginehouse_store::migrations::{Dialect, Migration, SchemaName, migrate_postgres};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

/// One good row in each table that has rules for its values.
const ROWS: &str = r#"
    insert into lanes (queue, event_type, priority, required_capabilities) values ('q', 'a', 5, '[]');
    insert into engines (
        engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, draining,
        stop_when_drained, metadata
    ) values ('e', 'sim', 1, 'active', 1000, {time}, {time}, {no}, {no}, '{}');
    insert into events (
        event_id, lane_id, status, attempt, retries, failures, losses, redrives, enqueued_at, available_at, lock_serial,
        cancel_requested, scenario_run_id, idempotency_key, fingerprint, visibility_timeout_ms, max_processing_ms
    ) values (
        {id}, 1, 'queued', 0, 0, 0, 0, 0, {time}, {time}, 0, {no}, 'run', 'key',
        {bytes}, 1000, 1000
    );
    insert into event_payloads (event_id, payload) values ({id}, '{}');
    insert into event_types (event_type) values ('a');
    insert into queues (queue) values ('q');
    insert into duration_histograms (event_type, engine_version, day, kind, total_ms, buckets)
    values ('a', '', {time}, 'waiting', 7, '{"7":1}');
    insert into operations (
        operation_id, action, status, plan, created_at, created_by, last_place, total, done_to, changed, conflicts, failed, next_at
    ) values ({id}, 'cancel_events', 'running', '{}', {time}, 'x', 0, 0, 0, 0, 0, 0, {time});
    insert into operation_members (operation_id, place, target) values ({id}, 1, 'x');
    insert into tokens (accessor, name, role, reads_payloads, selectors, secret_sha256, created_at, created_by, expires_at)
    values ('abcdefghij27', 'ci', 'viewer', {no}, '{}', {hash}, {time}, 'x', {time})"#;

/// A change of one value, and the rule that is against it: in PostgreSQL, and in SQLite where it has one.
const CHANGES: &[(&str, &str, Option<&str>)] = &[
    ("lanes set queue = 'bad name! '", "a_name_needs_no_quotes", Some("a_queue_is_a_name")),
    ("lanes set event_type = ''", "a_name_needs_no_quotes", Some("an_event_type_is_a_name")),
    ("lanes set event_type = '.a'", "a_name_needs_no_quotes", Some("an_event_type_is_a_name")),
    ("lanes set priority = 10", "priority_is_one_digit", Some("priority_is_one_digit")),
    ("lanes set required_memory_mb = 0", "memory_is_at_most_a_pebibyte", Some("memory_is_at_most_a_pebibyte")),
    ("lanes set required_capabilities = '[\"a b\"]'", "capabilities_are_names", None),
    ("lanes set required_capabilities = '[ ]'", "capabilities_are_names", None),
    ("lanes set engine_version = 'newest'", "a_version_range_can_be_read", None),
    ("engines set engine_id = 'a/b'", "a_name_needs_no_quotes", Some("an_engine_id_is_a_name")),
    ("engines set engine_type = '-'", "a_name_needs_no_quotes", Some("an_engine_type_is_a_name")),
    ("engines set status = 'away'", "status_is_known", Some("status_is_known")),
    ("engines set metadata = '[]'", "json_is_an_object", None),
    ("engines set session_sha256 = {bytes}", "a_session_hash_has_32_bytes", Some("a_session_hash_has_32_bytes")),
    ("events set status = 'waiting'", "status_is_known", Some("status_is_known")),
    ("events set attempt = -5", "no_count_is_negative", Some("no_count_is_negative")),
    ("events set scenario_run_id = '/'", "a_name_needs_no_quotes", Some("a_scenario_run_id_is_a_name")),
    ("events set idempotency_key = ''", "a_key_is_one_line", Some("a_key_is_one_line")),
    ("events set idempotency_key = 'a\n'", "a_key_is_one_line", Some("a_key_is_one_line")),
    ("events set idempotency_key = '\u{85}'", "a_key_is_one_line", Some("a_key_is_one_line")),
    (
        "events set traceparent = '00-00000000000000000000000000000000-00f067aa0ba902b7-01'",
        "a_traceparent_names_a_span",
        Some("a_traceparent_names_a_span"),
    ),
    (
        "events set traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01'",
        "a_traceparent_names_a_span",
        Some("a_traceparent_names_a_span"),
    ),
    (
        "events set traceparent = 'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'",
        "a_traceparent_names_a_span",
        Some("a_traceparent_names_a_span"),
    ),
    (
        "events set traceparent = '00-4bf92f3577b34da6a3ce929d0e0e473--00f067aa0ba902b7-01'",
        "a_traceparent_names_a_span",
        Some("a_traceparent_names_a_span"),
    ),
    (
        "events set traceparent = '00-4bf92f3577b34da6a3ce929d0e0e473G-00f067aa0ba902b7-01'",
        "a_traceparent_names_a_span",
        Some("a_traceparent_names_a_span"),
    ),
    (
        "events set idempotency_key = null, fingerprint = null, idempotency_key_expires_at = enqueued_at",
        "only_a_key_expires",
        Some("only_a_key_expires"),
    ),
    (
        "events set visibility_timeout_ms = 604800001",
        "a_visibility_timeout_is_at_most_7_days",
        Some("a_visibility_timeout_is_at_most_7_days"),
    ),
    ("events set max_processing_ms = 0", "processing_takes_at_most_30_days", Some("processing_takes_at_most_30_days")),
    ("events set progress_timeout_ms = 0", "progress_takes_at_most_30_days", Some("progress_takes_at_most_30_days")),
    (
        "events set status = 'failed', finished_at = enqueued_at, dead_letter_reason = 'bored'",
        "reason_is_known",
        Some("reason_is_known"),
    ),
    (
        "event_types set visibility_timeout_seconds = 0",
        "a_visibility_timeout_is_at_most_7_days",
        Some("a_visibility_timeout_is_at_most_7_days"),
    ),
    (
        "queues set max_processing_seconds = 2592001",
        "processing_takes_at_most_30_days",
        Some("processing_takes_at_most_30_days"),
    ),
    (
        "queues set hold_back_after_seconds = -1",
        "an_engine_is_held_back_after_at_most_30_days",
        Some("an_engine_is_held_back_after_at_most_30_days"),
    ),
    (
        "event_types set priority_aging_seconds = 2592001",
        "a_priority_rises_after_at_most_30_days",
        Some("a_priority_rises_after_at_most_30_days"),
    ),
    ("duration_histograms set event_type = '.a'", "a_name_needs_no_quotes", Some("an_event_type_is_a_name")),
    ("duration_histograms set kind = 'thinking'", "kind_is_known", Some("kind_is_known")),
    ("duration_histograms set total_ms = -1", "a_sum_can_be_added_to", Some("a_sum_can_be_added_to")),
    ("duration_histograms set buckets = '{\"7\":\"many\"}'", "buckets_are_counts", None),
    ("operations set action = 'erase_events'", "action_is_known", Some("action_is_known")),
    ("operations set status = 'lost', finished_at = created_at", "status_is_known", Some("status_is_known")),
    ("operations set plan = '[]'", "json_is_an_object", None),
    ("operations set status = 'completed'", "an_end_has_a_time", Some("an_end_has_a_time")),
    ("operations set conflicts = -1", "nothing_is_counted_below_zero", Some("nothing_is_counted_below_zero")),
    ("operation_members set outcome = 'changed'", "outcome_is_known", Some("outcome_is_known")),
    (
        "operation_members set outcome = 'conflict'",
        "what_was_not_changed_has_a_reason",
        Some("what_was_not_changed_has_a_reason"),
    ),
    ("tokens set accessor = 'ABCDEFGHIJ27'", "an_accessor_is_12_characters", Some("an_accessor_is_12_characters")),
    ("tokens set name = 'a b'", "a_name_needs_no_quotes", Some("a_token_name_is_a_name")),
    ("tokens set role = 'root'", "role_is_known", Some("role_is_known")),
    ("tokens set allowed_addresses = '{}'", "allowed_addresses_are_an_array", None),
    ("tokens set secret_sha256 = {bytes}", "a_hash_has_32_bytes", Some("a_hash_has_32_bytes")),
    ("tokens set previous_sha256 = secret_sha256", "a_previous_secret_expires", Some("a_previous_secret_expires")),
    ("tokens set revoked_at = created_at", "who_revokes_is_known", Some("who_revokes_is_known")),
    ("event_payloads set payload = {long}", "a_payload_is_at_most_256_kib", Some("a_payload_is_at_most_256_kib")),
];

/// A JSON string of so many bytes, most of its characters being two of them.
fn json_of(bytes: usize) -> String {
    format!("'\"{}{}\"'", "x".repeat(bytes % 2), "é".repeat(bytes / 2 - 1))
}

const POSTGRES_BYTES: &str = "decode(repeat('00', 16), 'hex')";

fn change(change: &str, bytes: &str) -> String {
    change.replace("{long}", &json_of(262_145)).replace("{bytes}", bytes)
}

#[tokio::test]
async fn postgresql_refuses_what_no_server_can_read() {
    let url = shared().fresh_database();
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    migrate_postgres(&mut client, &SchemaName::default()).await.unwrap();
    let rows = ROWS
        .replace("{id}", "'0193f2a0-0000-7000-8000-000000000000'")
        .replace("{time}", "now()")
        .replace("{no}", "false")
        .replace("{bytes}", POSTGRES_BYTES)
        .replace("{hash}", "decode(repeat('00', 32), 'hex')");
    client.batch_execute(&format!("set search_path = enginehouse; {rows}")).await.unwrap();
    for (changed, rule, _) in CHANGES {
        let refused = client.batch_execute(&format!("update {}", change(changed, POSTGRES_BYTES))).await.unwrap_err();
        let refused = refused.as_db_error().unwrap();
        assert_eq!((refused.code(), refused.constraint()), (&SqlState::CHECK_VIOLATION, Some(*rule)), "{changed}");
    }
    client.batch_execute(&format!("update event_payloads set payload = {}", json_of(262_144))).await.unwrap();
    drop(client);
    shared().drop_database(&url);
}

#[test]
fn sqlite_refuses_what_no_server_can_read() {
    let file = rusqlite::Connection::open_in_memory().unwrap();
    for statement in Dialect::Sqlite.migrations().iter().flat_map(Migration::statements) {
        file.execute_batch(statement).unwrap();
    }
    let rows = ROWS.replace("{id}", "zeroblob(16)").replace("{time}", "0").replace("{no}", "0");
    let rows = rows.replace("{bytes}", "zeroblob(16)").replace("{hash}", "zeroblob(32)");
    file.execute_batch(&rows).unwrap();
    for (changed, _, rule) in CHANGES {
        let Some(rule) = rule else { continue };
        let refused =
            file.execute_batch(&format!("update {}", change(changed, "zeroblob(16)"))).unwrap_err().to_string();
        assert_eq!(refused, format!("CHECK constraint failed: {rule}"), "{changed}");
    }
    file.execute_batch(&format!("update event_payloads set payload = {}", json_of(262_144))).unwrap();
    // PostgreSQL has a type for it.
    for (id, refusal) in [
        ("zeroblob(15)", "CHECK constraint failed: an_event_id_is_a_uuid"),
        ("'0193f2a0-0000-7000-8000-000000000000'", "cannot store TEXT value in BLOB column events.event_id"),
    ] {
        let refused = file.execute_batch(&format!("update events set event_id = {id}")).unwrap_err().to_string();
        assert_eq!(refused, refusal, "{id}");
    }
}
