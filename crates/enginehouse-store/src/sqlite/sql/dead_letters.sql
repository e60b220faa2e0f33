-- Dead letters before an event id, newest event first.
select event_id, event_type, queue, reason, dead_lettered_at, error_code, group_id
from dead_letters
where event_id < ?1
order by event_id desc
limit ?2;
