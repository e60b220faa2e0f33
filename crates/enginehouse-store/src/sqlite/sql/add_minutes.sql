-- Add what happened in a minute to what is kept of it. Buckets that are damaged are begun anew.
insert into event_minutes ({minute_columns})
values ({minute_values})
on conflict (minute, queue, event_type) do update
set
    enqueued = min(enqueued + excluded.enqueued, 4000000000000000000),
    claimed = min(claimed + excluded.claimed, 4000000000000000000),
    completed = min(completed + excluded.completed, 4000000000000000000),
    failed = min(failed + excluded.failed, 4000000000000000000),
    lost = min(lost + excluded.lost, 4000000000000000000),
    dead_lettered = min(dead_lettered + excluded.dead_lettered, 4000000000000000000),
    waiting_ms = min(waiting_ms + excluded.waiting_ms, 4000000000000000000),
    processing_ms = min(processing_ms + excluded.processing_ms, 4000000000000000000),
    waiting_buckets = case
        when json_valid(waiting_buckets) then (
            select json_group_object(bucket, durations)
            from (
                select b.key as bucket, sum(min(b.value, 1000000000000000)) as durations
                from (
                    select key, value from json_each(event_minutes.waiting_buckets)
                    union all
                    select key, value from json_each(excluded.waiting_buckets)
                ) as b
                group by b.key
                order by cast(b.key as integer)
            )
        )
        else excluded.waiting_buckets
    end,
    processing_buckets = case
        when json_valid(processing_buckets) then (
            select json_group_object(bucket, durations)
            from (
                select b.key as bucket, sum(min(b.value, 1000000000000000)) as durations
                from (
                    select key, value from json_each(event_minutes.processing_buckets)
                    union all
                    select key, value from json_each(excluded.processing_buckets)
                ) as b
                group by b.key
                order by cast(b.key as integer)
            )
        )
        else excluded.processing_buckets
    end;
