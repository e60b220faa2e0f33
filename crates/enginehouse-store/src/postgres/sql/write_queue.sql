-- Set what holds for queues of a name.
insert into enginehouse.queues (queue, retry_policy, visibility_timeout_seconds, max_processing_seconds, paused)
values ($1, $2, $3, $4, $5)
on conflict (queue) do update set
    retry_policy = excluded.retry_policy,
    visibility_timeout_seconds = excluded.visibility_timeout_seconds,
    max_processing_seconds = excluded.max_processing_seconds,
    paused = excluded.paused;
