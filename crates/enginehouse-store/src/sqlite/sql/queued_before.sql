-- How many queued events of a lane come before a place in their order, up to a limit.
select count(*)
from (
    select 1
    from events indexed by events_ready
    where status = 'queued' and lane_id = ?1 and (available_at, event_id) < (?2, ?3)
    limit ?4
);
