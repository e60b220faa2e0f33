-- Every lock, by engine, of each from the transaction on before which it has none that still lasts; and whether its event was
-- lost before.
select e.engine_id, e.event_id, e.lane_id, e.claimed_at, e.lock_visibility_timeout_ms, e.losses > 0
from unnest($1::text[], $2::xid8[]) as h (engine_id, from_xact)
cross join lateral (
    select l.*
    from enginehouse.events as l
    where l.engine_id = h.engine_id and l.lock_given_by >= h.from_xact
    offset 0
) as e
order by e.engine_id, e.event_id;
