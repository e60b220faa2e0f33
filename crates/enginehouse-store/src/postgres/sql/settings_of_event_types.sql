-- What is set for event types.
select event_type, retry_policy, visibility_timeout_seconds, max_processing_seconds, paused
from enginehouse.event_types
order by event_type;
