-- How many queued events of a lane come before a place in their order, up to a limit: counted from the place on where work was
-- last found.
select count(*)
from (
    select 1
    from enginehouse.events as q
    where
        q.status = 'queued' and q.lane_id = $1 and q.available_at >= $2 and q.available_at <= $3
        and (q.available_at, q.event_id) < ($3, $4)
    limit $5
) as e;
