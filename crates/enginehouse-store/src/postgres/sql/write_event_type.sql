-- Set what holds for event types of a name.
insert into enginehouse.event_types (event_type, retry_policy, visibility_timeout_seconds, max_processing_seconds, paused)
values ($1, $2, $3, $4, $5)
on conflict (event_type) do update set
    retry_policy = excluded.retry_policy,
    visibility_timeout_seconds = excluded.visibility_timeout_seconds,
    max_processing_seconds = excluded.max_processing_seconds,
    paused = excluded.paused;
