-- How many events of lanes are queued: those that were added up, and the changes since.
select lane_id, enginehouse.as_count(sum(queued))
from (
    select lane_id, queued
    from enginehouse.lane_counts
    where lane_id = any($1)
    union all
    select lane_id, queued
    from enginehouse.lane_changes
    where changed_by >= $2 and lane_id = any($1)
) as c
group by lane_id
order by lane_id;
