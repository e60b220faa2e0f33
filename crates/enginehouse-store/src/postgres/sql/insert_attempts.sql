-- Add attempts that did not complete their events.
insert into enginehouse.attempts (event_id, {attempt_columns})
select *
from unnest($1::uuid[], {2.attempt_arrays});
