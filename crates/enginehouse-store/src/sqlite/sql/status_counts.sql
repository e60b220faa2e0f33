-- How many events are in each status, over all lanes.
select status, sum(events)
from lane_counts
group by status;
