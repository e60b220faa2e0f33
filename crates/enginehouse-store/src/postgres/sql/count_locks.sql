-- How many locks each engine holds, from the transaction on before which it has none that still lasts.
select h.engine_id, count(*)
from unnest($1::text[], $2::xid8[]) as h (engine_id, from_xact)
inner join enginehouse.events as l
    on l.status = 'processing' and l.engine_id = h.engine_id and l.lock_given_by >= h.from_xact
group by h.engine_id;
