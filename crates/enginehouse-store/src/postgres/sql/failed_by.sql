-- The engines that failed events, the last ones of each first.
select wanted.event_id, a.engine_id
from unnest($1::uuid[]) as wanted (event_id)
cross join lateral (
    select engine_id, lock_serial
    from enginehouse.attempts
    where event_id = wanted.event_id and outcome <> 'released' and outcome <> 'lost'
    order by lock_serial desc
    limit $2
) as a
order by wanted.event_id, a.lock_serial desc;
