-- What is set for queues.
select queue, retry_policy, visibility_timeout_seconds, max_processing_seconds, paused
from enginehouse.queues
order by queue;
