-- Dead letters that match, oldest event first, from behind a place.
select event_id
from dead_letters
where
    event_id > ?11
    and (?1 is null or event_type = ?1)
    and (?2 is null or queue = ?2)
    and (?3 is null or reason = ?3)
    and (?4 is null or error_code = ?4)
    and (?5 is null or group_id = ?5)
    and (?6 is null or dead_lettered_at < ?6)
    and (?7 is null or dead_lettered_at >= ?7)
    and (?9 is null or exists (select 1 from json_each(?9) as s where queue glob s.value))
    and (?10 is null or exists (select 1 from json_each(?10) as s where event_type glob s.value))
order by event_id
limit ?8;
