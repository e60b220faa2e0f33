-- Add attempts that did not complete their events.
insert into enginehouse.attempts (
    event_id, lock_serial, attempt, engine_id, outcome, claimed_at, ended_at, error_code, error_message, error_details
)
select *
from unnest(
    $1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[],
    $9::text[], $10::json[]
);
