-- Forget minutes before a moment, the oldest first.
delete from event_minutes
where (minute, queue, event_type) in (
    select minute, queue, event_type from event_minutes where minute < ?1 order by minute, queue, event_type limit ?2
);
