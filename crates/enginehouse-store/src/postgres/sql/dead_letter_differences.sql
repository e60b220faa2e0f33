-- Events that say they are dead letters and are not, or the other way round.
select coalesce(e.event_id, d.event_id)::text
from (select event_id, dead_letter_reason from enginehouse.events where dead_letter_reason is not null) as e
full join enginehouse.dead_letters as d on d.event_id = e.event_id
where e.dead_letter_reason is distinct from d.reason
limit 100;
