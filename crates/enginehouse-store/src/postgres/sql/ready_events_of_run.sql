-- The same, but only events of one scenario run. What is queued has no lock and no end: said so, the index of all lanes is of
-- no use, which might hold many events of other runs.
select {e.event_columns}
from unnest($1::bigint[], $2::timestamptz[]) with ordinality as r (lane_id, from_at, place)
cross join lateral (
    select q.*
    from enginehouse.events as q
    where
        q.lock_expires_at is null and q.finished_at is null and q.scenario_run_id >= $3 and q.scenario_run_id <= $3 and q.lane_id = r.lane_id
        and q.available_at <= $4 and q.available_at >= r.from_at
    order by q.scenario_run_id, q.available_at, q.event_id
    limit $5
    for no key update skip locked
) as e
order by r.place, e.available_at, e.event_id;
