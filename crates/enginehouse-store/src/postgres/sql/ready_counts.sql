-- How many events of each lane are due, up to a limit. Nothing is taken.
select r.lane_id, count(*)
from unnest($1::bigint[], $2::timestamptz[]) as r (lane_id, from_at)
cross join lateral (
    select 1
    from enginehouse.events as q
    where q.status = 'queued' and q.lane_id = r.lane_id and q.available_at <= $3 and q.available_at >= r.from_at
    limit $4
) as e
group by r.lane_id
order by r.lane_id;
