-- The lanes in which events were queued by transactions that had not ended in an earlier snapshot, and the current snapshot.
select
    pg_current_snapshot()::text,
    (select m.value from enginehouse.meta as m where m.key = 'settings_version'),
    coalesce(array_agg(a.lane_id), '{}'),
    coalesce(array_agg(a.first_available_at), '{}'),
    coalesce(array_agg(a.events), '{}')
from (
    select lane_id, min(first_available_at) as first_available_at, greatest(sum(queued), 1)::bigint as events
    from enginehouse.lane_changes
    where (changed_by >= $1 or changed_by = any($2)) and first_available_at is not null
    group by lane_id
) as a;
