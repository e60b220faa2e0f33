-- What is set for event types.
select event_type, {settings_columns}
from enginehouse.event_types
order by event_type;
