-- Read events for a change: nobody else changes them before this transaction ends. In the order of their ids, so that two
-- transactions which want the same events never wait for each other.
select {e.event_columns}
from enginehouse.events as e
where e.event_id = any($1)
order by e.event_id
for no key update;
