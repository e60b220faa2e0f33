-- What a search looks at, newest first: processing events before an id. The locks are sorted: there are as many as the
-- fleet can work on, however many events wait.
select e.event_id, e.status, e.lane_id, e.engine_id, e.enqueued_at
from (
    select event_id
    from events indexed by events_locks_of_engine
    where status = 'processing' and event_id < ?1
    order by event_id desc
    limit ?2
) as found
cross join events as e on e.event_id = found.event_id
order by found.event_id desc;
