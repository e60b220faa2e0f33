-- The same, locked; without those that another transaction works on, so that nobody waits.
select {e.event_columns}, e.lock_given_by
from enginehouse.events as e
where
    e.event_id = any(array(
        select l.event_id
        from unnest($1::text[], $2::xid8[]) as h (engine_id, from_xact)
        cross join lateral (
            select k.event_id
            from enginehouse.events as k
            where k.engine_id = h.engine_id and k.lock_given_by >= h.from_xact
            offset 0
        ) as l
    ))
    and e.engine_id = any($1) and e.lock_holder is not null
order by e.event_id
for no key update skip locked;
