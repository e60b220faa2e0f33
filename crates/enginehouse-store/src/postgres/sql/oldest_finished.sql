-- When the oldest completed event finished, and the oldest failed or cancelled one, dead letters aside.
select
    (
        select finished_at
        from enginehouse.events
        where status = 'completed' and finished_at >= $1
        order by finished_at
        limit 1
    ),
    (
        select finished_at
        from enginehouse.events
        where status in ('failed', 'cancelled') and dead_letter_reason is null and finished_at >= $2
        order by finished_at
        limit 1
    );
