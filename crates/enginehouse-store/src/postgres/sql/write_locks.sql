-- A lock is given or taken back: only what that changes is written, under the same guard as everything else. A lock that is new notes
-- which transaction has given it.
with written as (
    update enginehouse.events as e
    set
        {c.lock_state_set},
        lock_given_by = case
            when c.lock_holder is null then null
            when c.lock_serial = e.lock_serial then e.lock_given_by
            else greatest(pg_current_xact_id(), pg_snapshot_xmax(pg_current_snapshot()))
        end
    from unnest($1::uuid[], $2::text[], $3::bigint[], {4.lock_state_arrays})
        as c (event_id, read_status, read_serial, {lock_state_columns})
    where e.event_id = c.event_id and e.status = c.read_status and e.lock_serial = c.read_serial
    returning 1
)

-- One that is not written ends the transaction.
select 1 / (count(*) = cardinality($1::uuid[]))::integer
from written;
