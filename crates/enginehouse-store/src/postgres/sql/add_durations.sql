-- Add histograms to those that are kept under their keys, bucket by bucket: so several servers add up. In the order of the
-- keys, so that one may wait for another, but never both.
insert into enginehouse.duration_histograms as h ({duration_columns})
select {d.duration_columns}
from unnest({1.duration_arrays}) as d ({duration_columns})
order by event_type, engine_version, day, kind
on conflict (event_type, engine_version, day, kind) do update
set
    total_ms = least(h.total_ms + excluded.total_ms, 4000000000000000000),
    buckets = (
        select (chr(123) || string_agg('"' || s.bucket || '":' || s.durations, ',' order by s.bucket) || chr(125))::json
        from (
            select b.key::integer as bucket, enginehouse.as_count(sum(b.value::numeric)) as durations
            from (
                select key, value from json_each_text(h.buckets)
                union all
                select key, value from json_each_text(excluded.buckets)
            ) as b
            group by b.key
        ) as s
    );
