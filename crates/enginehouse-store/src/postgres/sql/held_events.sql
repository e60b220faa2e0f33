-- The events that engines hold, of each from the transaction on before which it was given none that it still holds. The offset
-- keeps the database from joining by a scan of all locks.
select {e.event_columns}, e.lock_given_by
from unnest($1::text[], $2::xid8[]) as h (engine_id, from_xact)
cross join lateral (
    select l.*
    from enginehouse.events as l
    where l.engine_id = h.engine_id and l.lock_given_by >= h.from_xact
    offset 0
) as e
order by e.event_id;
