-- How many events are in each status, over all lanes. Counts are the ones that were added up, and the changes since.
select
    coalesce(sum(queued), 0)::bigint, coalesce(sum(processing), 0)::bigint, coalesce(sum(completed), 0)::bigint,
    coalesce(sum(failed), 0)::bigint, coalesce(sum(cancelled), 0)::bigint
from (
    select queued, processing, completed, failed, cancelled
    from enginehouse.lane_counts
    union all
    select queued, processing, completed, failed, cancelled
    from enginehouse.lane_changes
    where changed_by >= $1
) as c;
