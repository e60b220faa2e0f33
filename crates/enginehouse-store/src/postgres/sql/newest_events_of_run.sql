-- What a search looks at, newest first: the events of a scenario run before an id. Compared and ordered by both columns,
-- which no other index can do.
with
wanted as materialized (
    select lane_id
    from enginehouse.lanes
    where ($5::text is null or event_type = $5) and ($6::text is null or queue = $6)
)
select l.event_id, l.is_match, l.place
from (
    select
        f.event_id, f.scenario_run_id,
        (
            ($4::text is null or f.status = $4)
            and (($5::text is null and $6::text is null) or f.lane_id in (select lane_id from wanted))
            and ($7::text is null or f.engine_id = $7)
            and ($8::timestamptz is null or f.enqueued_at >= $8)
            and ($9::timestamptz is null or f.enqueued_at < $9)
        ) is true as is_match,
        row_number() over (order by f.scenario_run_id desc, f.event_id desc) as place
    from (
        select scenario_run_id, event_id, status, lane_id, engine_id, enqueued_at
        from enginehouse.events
        where scenario_run_id >= $10 and (scenario_run_id, event_id) < ($10, $1)
        order by scenario_run_id desc, event_id desc
        limit $2
    ) as f
    where exists (select 1 from wanted)
) as l
where l.is_match or l.place = $2
order by l.scenario_run_id desc, l.event_id desc
limit $3;
