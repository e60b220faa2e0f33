-- Add what this transaction has changed in each lane.
insert into enginehouse.lane_changes (
    lane_id, scenario_run_id, queued, processing, completed, failed, cancelled, first_available_at, first_enqueued_at,
    active_at, ended
)
select *
from unnest(
    $1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::timestamptz[],
    $9::timestamptz[], $10::timestamptz[], $11::bigint[]
);
