-- What a search looks at, newest first: completed events before an id. For few of them only, as they are sorted.
select e.event_id, e.status, e.lane_id, e.engine_id, e.enqueued_at
from (
    select event_id
    from events indexed by events_completed
    where status = 'completed' and event_id < ?1
    order by event_id desc
    limit ?2
) as found
cross join events as e on e.event_id = found.event_id
order by found.event_id desc;
