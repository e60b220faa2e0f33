-- Write events that still stand as they were read: a decision on a stale reading finds no row.
update enginehouse.events as e
set
    status = c.status, attempt = c.attempt, retries = c.retries, failures = c.failures, losses = c.losses,
    redrives = c.redrives, available_at = c.available_at, claimed_at = c.claimed_at, finished_at = c.finished_at,
    engine_id = c.engine_id,
    lock_holder = c.lock_holder, lock_serial = c.lock_serial, lock_secret = c.lock_secret,
    lock_engine_epoch = c.lock_engine_epoch, lock_expires_at = c.lock_expires_at,
    lock_visibility_timeout_ms = c.lock_visibility_timeout_ms, lock_max_processing_ms = c.lock_max_processing_ms,
    lock_unlisted_heartbeats = c.lock_unlisted_heartbeats,
    lock_given_by = case
        when c.lock_holder is null then null
        when c.lock_serial = e.lock_serial then e.lock_given_by
        else greatest(pg_current_xact_id(), pg_snapshot_xmax(pg_current_snapshot()))
    end,
    settled_by = c.settled_by, cancel_requested = c.cancel_requested, dead_letter_reason = c.dead_letter_reason,
    last_error_code = c.last_error_code, last_error_message = c.last_error_message,
    last_error_details = c.last_error_details, result = c.result
from unnest(
    $1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::bigint[],
    $16::bytea[], $17::bigint[], $18::timestamptz[], $19::bigint[], $20::bigint[], $21::smallint[], $22::text[],
    $23::boolean[], $24::text[], $25::text[], $26::text[], $27::json[], $28::json[]
) as c (
    event_id, read_status, read_serial, status, attempt, retries, failures, losses, redrives, available_at, claimed_at,
    finished_at, engine_id, lock_holder, lock_serial, lock_secret, lock_engine_epoch, lock_expires_at,
    lock_visibility_timeout_ms, lock_max_processing_ms, lock_unlisted_heartbeats, settled_by, cancel_requested,
    dead_letter_reason, last_error_code, last_error_message, last_error_details, result
)
where e.event_id = c.event_id and e.status = c.read_status and e.lock_serial = c.read_serial
returning e.event_id;
