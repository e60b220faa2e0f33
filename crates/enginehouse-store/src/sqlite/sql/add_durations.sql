-- Add a histogram to the one that is kept under its key, bucket by bucket. One whose buckets are damaged is begun anew.
insert into duration_histograms ({duration_columns})
values ({duration_values})
on conflict (event_type, engine_version, day, kind) do update
set
    total_ms = min(total_ms + excluded.total_ms, 4000000000000000000),
    buckets = case
        when json_valid(buckets) then (
            select json_group_object(bucket, durations)
            from (
                select b.key as bucket, sum(min(b.value, 1000000000000000)) as durations
                from (
                    select key, value from json_each(duration_histograms.buckets)
                    union all
                    select key, value from json_each(excluded.buckets)
                ) as b
                group by b.key
                order by cast(b.key as integer)
            )
        )
        else excluded.buckets
    end;
