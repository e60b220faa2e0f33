-- How many events of a lane are due, up to a limit.
select count(*)
from (
    select 1
    from events indexed by events_ready
    where status = 'queued' and lane_id = ?1 and available_at <= ?2
    limit ?3
);
