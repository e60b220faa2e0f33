-- What is set for each event type.
select event_type, {settings_columns}
from event_types
order by event_type;
