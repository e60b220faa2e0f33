-- The first queued event of each lane, whether or not it is due: from the place on where work was last found, or from the
-- beginning where nothing is behind that.
select {e.event_columns}
from unnest($1::bigint[], $2::timestamptz[]) as r (lane_id, from_at)
cross join lateral (
    select coalesce(
        (
            select q.event_id
            from enginehouse.events as q
            where q.status = 'queued' and q.lane_id = r.lane_id and q.available_at >= r.from_at
            order by q.available_at, q.event_id
            limit 1
        ),
        (
            select q.event_id
            from enginehouse.events as q
            where q.status = 'queued' and q.lane_id = r.lane_id
            order by q.available_at, q.event_id
            limit 1
        )
    ) as event_id
) as f
inner join enginehouse.events as e on e.event_id = f.event_id
order by e.lane_id;
