-- How many locks each engine holds, from the transaction on before which it has none that still lasts.
select h.engine_id, c.locks
from unnest($1::text[], $2::xid8[]) as h (engine_id, from_xact)
cross join lateral (
    select count(*) as locks
    from enginehouse.events as l
    where l.engine_id = h.engine_id and l.lock_given_by >= h.from_xact
) as c;
