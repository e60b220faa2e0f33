-- When the next event that is not due yet comes due in each of these lanes; lanes without one are left out.
select r.lane_id, e.available_at
from unnest($1::bigint[]) as r (lane_id)
cross join lateral (
    select q.available_at
    from enginehouse.events as q
    where q.status = 'queued' and q.lane_id = r.lane_id and q.available_at > $2
    order by q.available_at
    limit 1
) as e
order by r.lane_id;
