-- Forget minutes before a moment, the oldest first. What another server forgets or adds to at the same time is left to it.
delete from enginehouse.event_minutes
where (minute, queue, event_type) in (
    select minute, queue, event_type
    from enginehouse.event_minutes
    where minute < $1
    order by minute, queue, event_type
    limit $2
    for update skip locked
);
