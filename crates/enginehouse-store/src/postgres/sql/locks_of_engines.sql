-- The locks of engines, of each from the transaction on before which it has none that still lasts. The offset keeps the
-- database from joining by a look at all locks.
select h.engine_id, e.event_id, e.lane_id, e.lock_serial, e.lock_secret, e.claimed_at, e.cancel_requested, e.lock_given_by
from unnest($1::text[], $2::xid8[]) with ordinality as h (engine_id, from_xact, place)
cross join lateral (
    select l.*
    from enginehouse.events as l
    where l.engine_id = h.engine_id and l.lock_given_by >= h.from_xact
    offset 0
) as e
order by h.place, e.event_id;
