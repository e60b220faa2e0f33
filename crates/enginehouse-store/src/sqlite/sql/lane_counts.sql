-- Every lane with its counts, and since when its oldest queued event has been due: one look into the ready index each.
select
    l.lane_id, {l.lane_columns}, c.status, c.events,
    (
        select e.available_at
        from events as e indexed by events_ready
        where e.status = 'queued' and e.lane_id = l.lane_id
        order by e.available_at
        limit 1
    )
from lanes as l
left join lane_counts as c on c.lane_id = l.lane_id
order by l.lane_id, c.status;
