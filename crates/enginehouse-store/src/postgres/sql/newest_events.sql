-- What a search looks at, newest first: events before an id, from where the fewest have to be looked at. Answers what matches,
-- and the last one of so many.
with
wanted as materialized (
    select lane_id
    from enginehouse.lanes
    where
        ($5::text is null or event_type = $5)
        and ($6::text is null or queue = $6)
        and ($10::integer is null or priority = $10)
        and ($15::text[] is null or queue like any ($15))
        and ($16::text[] is null or event_type like any ($16))
)
select l.event_id, l.is_match, l.place
from (
    select
        f.scenario_run_id, f.event_id, f.status,
        (
            ($4::text is null or f.status = $4)
            and (
                (coalesce($5::text, $6::text) is null and $10::integer is null and coalesce($15::text[], $16::text[]) is null)
                or f.lane_id in (select lane_id from wanted)
            )
            and ($7::text is null or f.engine_id = $7)
            and ($8::timestamptz is null or f.enqueued_at >= $8)
            and ($9::timestamptz is null or f.enqueued_at < $9)
            and ($11::text is null or f.labels ->> $11 = $12::text)
            and ($13::text is null or f.scenario_run_id = $13)
            and ($14::timestamptz is null or f.available_at >= $14)
        ) is true as is_match,
        row_number() over (order by {order}) as place
    from (
        select scenario_run_id, event_id, status, lane_id, engine_id, enqueued_at, available_at, labels
        from {source}
        order by {order}
        limit $2
    ) as f
    where exists (select 1 from wanted)
) as l
where l.is_match or l.place = $2
order by {order}
limit $3;
