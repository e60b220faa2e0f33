-- The first queued event of each lane before a scan position.
select r.lane_id, e.available_at
from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) as r (lane_id, at, id)
cross join lateral (
    select q.available_at
    from enginehouse.events as q
    where q.status = 'queued' and q.lane_id = r.lane_id and (q.available_at, q.event_id) < (r.at, r.id)
    order by q.available_at, q.event_id
    limit 1
) as e;
