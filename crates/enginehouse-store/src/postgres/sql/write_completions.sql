-- A lock ends with success: only what that changes is written, under the same guard as everything else.
with written as (
    update enginehouse.events as e
    set
        {c.completion_state_set},
        lock_given_by = null
    from unnest($1::uuid[], $2::text[], $3::bigint[], {4.completion_state_arrays})
        as c (event_id, read_status, read_serial, {completion_state_columns})
    where e.event_id = c.event_id and e.status = c.read_status and e.lock_serial = c.read_serial
    returning 1
)

-- One that is not written ends the transaction.
select 1 / (count(*) = cardinality($1::uuid[]))::integer
from written;
