-- Those of some events that have ended.
select event_id
from enginehouse.events
where event_id = any($1) and finished_at is not null;
