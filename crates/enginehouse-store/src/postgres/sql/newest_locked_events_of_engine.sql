-- What a search looks at, newest first: events before an id that an engine holds. None of its locks was given by a
-- transaction before one.
with
wanted as materialized (
    select lane_id
    from enginehouse.lanes
    where ($5::text is null or event_type = $5) and ($6::text is null or queue = $6)
),
found as materialized (
    select event_id, status, lane_id, engine_id, enqueued_at
    from enginehouse.events
    where engine_id = $7 and lock_given_by >= $10
)
select l.event_id, l.is_match, l.place
from (
    select
        f.event_id,
        (
            ($4::text is null or f.status = $4)
            and (($5::text is null and $6::text is null) or f.lane_id in (select lane_id from wanted))
            and ($7::text is null or f.engine_id = $7)
            and ($8::timestamptz is null or f.enqueued_at >= $8)
            and ($9::timestamptz is null or f.enqueued_at < $9)
        ) is true as is_match,
        row_number() over (order by f.event_id desc) as place
    from (
        select event_id, status, lane_id, engine_id, enqueued_at
        from found
        where event_id < $1
        order by event_id desc
        limit $2
    ) as f
    where exists (select 1 from wanted)
) as l
where l.is_match or l.place = $2
order by l.event_id desc
limit $3;
