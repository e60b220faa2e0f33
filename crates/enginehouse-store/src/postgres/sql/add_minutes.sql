-- Add what happened each minute to what is kept of it: so several servers add up. In the order of the keys, so that one may wait
-- for another, but never both.
insert into enginehouse.event_minutes as m ({minute_columns})
select {d.minute_columns}
from unnest({1.minute_arrays}) as d ({minute_columns})
order by minute, queue, event_type
on conflict (minute, queue, event_type) do update
set
    enqueued = least(m.enqueued + excluded.enqueued, 4000000000000000000),
    claimed = least(m.claimed + excluded.claimed, 4000000000000000000),
    completed = least(m.completed + excluded.completed, 4000000000000000000),
    failed = least(m.failed + excluded.failed, 4000000000000000000),
    lost = least(m.lost + excluded.lost, 4000000000000000000),
    dead_lettered = least(m.dead_lettered + excluded.dead_lettered, 4000000000000000000),
    waiting_ms = least(m.waiting_ms + excluded.waiting_ms, 4000000000000000000),
    processing_ms = least(m.processing_ms + excluded.processing_ms, 4000000000000000000),
    waiting_buckets = (
        select
            (
                chr(123) || coalesce(string_agg('"' || s.bucket || '":' || s.durations, ',' order by s.bucket), '') || chr(125)
            )::json
        from (
            select b.key::integer as bucket, enginehouse.as_count(sum(b.value::numeric)) as durations
            from (
                select key, value from json_each_text(m.waiting_buckets)
                union all
                select key, value from json_each_text(excluded.waiting_buckets)
            ) as b
            group by b.key
        ) as s
    ),
    processing_buckets = (
        select
            (
                chr(123) || coalesce(string_agg('"' || s.bucket || '":' || s.durations, ',' order by s.bucket), '') || chr(125)
            )::json
        from (
            select b.key::integer as bucket, enginehouse.as_count(sum(b.value::numeric)) as durations
            from (
                select key, value from json_each_text(m.processing_buckets)
                union all
                select key, value from json_each_text(excluded.processing_buckets)
            ) as b
            group by b.key
        ) as s
    );
