-- Add an attempt that did not complete its event.
insert into attempts (
    event_id, lock_serial, attempt, engine_id, outcome, claimed_at, ended_at, error_code, error_message, error_details
)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
