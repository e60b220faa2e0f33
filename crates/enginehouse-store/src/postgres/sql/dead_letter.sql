-- Why an event is a dead letter, and since when.
select reason, dead_lettered_at
from enginehouse.dead_letters
where event_id = $1;
