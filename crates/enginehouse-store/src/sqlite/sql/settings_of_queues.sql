-- What is set for each queue.
select queue, retry_policy, visibility_timeout_seconds, max_processing_seconds, paused
from queues
order by queue;
