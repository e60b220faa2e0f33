-- Dead letters before an event id, newest event first. Answers what matches, and the last one of so many.
select l.event_id, l.is_match, l.place, l.reason, l.dead_lettered_at
from (
    select
        f.event_id, f.reason, f.dead_lettered_at,
        (
            ($4::text is null or f.event_type = $4)
            and ($5::text is null or f.queue = $5)
            and ($6::text is null or f.reason = $6)
            and ($7::text is null or f.error_code = $7)
            and ($8::text is null or f.group_id = $8)
            and ($9::timestamptz is null or f.dead_lettered_at < $9)
            and ($10::timestamptz is null or f.dead_lettered_at >= $10)
            and ($11::text[] is null or f.queue like any ($11))
            and ($12::text[] is null or f.event_type like any ($12))
        ) is true as is_match,
        row_number() over (order by f.event_id desc) as place
    from (
        select event_id, event_type, queue, reason, dead_lettered_at, error_code, group_id
        from enginehouse.dead_letters
        where event_id < $1
        order by event_id desc
        limit $2
    ) as f
) as l
where l.is_match or l.place = $2
order by l.event_id desc
limit $3;
