-- The lanes in which events were queued by transactions that had not ended in an earlier snapshot, whether these have ended
-- events, and the current snapshot.
select
    pg_current_snapshot()::text,
    (select m.value from enginehouse.meta as m where m.key = 'settings_version'),
    coalesce(array_agg(a.lane_id) filter (where a.first_available_at is not null), '{}'),
    coalesce(array_agg(a.first_available_at) filter (where a.first_available_at is not null), '{}'),
    coalesce(array_agg(a.events) filter (where a.first_available_at is not null), '{}'),
    coalesce(bool_or(a.ended), false)
from (
    select
        lane_id,
        min(first_available_at) as first_available_at,
        greatest(sum(queued) filter (where first_available_at is not null), 1)::bigint as events,
        bool_or(completed > 0 or failed > 0 or cancelled > 0) as ended
    from enginehouse.lane_changes
    where changed_by >= $1 or changed_by = any($2)
    group by lane_id
) as a;
