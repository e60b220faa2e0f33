-- What is set for each event type.
select event_type, retry_policy, visibility_timeout_seconds, max_processing_seconds, paused
from event_types
order by event_type;
