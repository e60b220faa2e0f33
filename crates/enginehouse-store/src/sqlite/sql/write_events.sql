-- Write an event that still stands as it was read: a decision on a stale reading finds no row.
-- Run once per event: in process, a statement costs no round trip.
update events
set
    status = ?4, attempt = ?5, retries = ?6, failures = ?7, losses = ?8, redrives = ?9, available_at = ?10,
    claimed_at = ?11, finished_at = ?12, engine_id = ?13,
    lock_holder = ?14, lock_serial = ?15, lock_secret = ?16, lock_engine_epoch = ?17, lock_expires_at = ?18,
    lock_visibility_timeout_ms = ?19, lock_max_processing_ms = ?20, lock_unlisted_heartbeats = ?21, settled_by = ?22,
    cancel_requested = ?23, dead_letter_reason = ?24,
    last_error_code = ?25, last_error_message = ?26, last_error_details = ?27, result = ?28
where event_id = ?1 and status = ?2 and lock_serial = ?3;
