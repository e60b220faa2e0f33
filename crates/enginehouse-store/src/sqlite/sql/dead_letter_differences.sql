-- Events that say they are dead letters and are not, or the other way round.
select coalesce(e.event_id, d.event_id)
from (select event_id, dead_letter_reason from events where dead_letter_reason is not null) as e
full join dead_letters as d on d.event_id = e.event_id
where e.dead_letter_reason is not d.reason
limit 100;
