-- How many events are in each status, over all lanes.
select status, sum(min(events, 1000000000000000))
from lane_counts
group by status;
