-- Where the counts of lanes differ from the events.
select
    coalesce(counted.lane_id, kept.lane_id), coalesce(counted.status, kept.status), coalesce(counted.events, 0),
    coalesce(kept.events, 0)
from (select lane_id, status, count(*) as events from events group by lane_id, status) as counted
full join lane_counts as kept on kept.lane_id = counted.lane_id and kept.status = counted.status
where coalesce(counted.events, 0) <> coalesce(kept.events, 0)
limit 100;
