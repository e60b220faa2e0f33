-- How many events are in each status, over all lanes. Counts are the ones that were added up, and the changes since.
select
    enginehouse.as_count(coalesce(sum(queued), 0)), enginehouse.as_count(coalesce(sum(processing), 0)),
    enginehouse.as_count(coalesce(sum(completed), 0)), enginehouse.as_count(coalesce(sum(failed), 0)),
    enginehouse.as_count(coalesce(sum(cancelled), 0))
from (
    select queued, processing, completed, failed, cancelled
    from enginehouse.lane_counts
    union all
    select queued, processing, completed, failed, cancelled
    from enginehouse.lane_changes
    where changed_by >= $1
) as c;
