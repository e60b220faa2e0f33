-- The engines that failed an event, the last ones first.
select engine_id
from attempts
where event_id = ?1 and outcome <> 'released' and outcome <> 'lost'
order by lock_serial desc
limit ?2;
