-- Add events that nobody has claimed yet: what else there is of their state is as the defaults of its columns say.
insert into enginehouse.events (available_at, expires_at, fingerprint, {enqueued_columns})
select *
from unnest($1::timestamptz[], $2::timestamptz[], $3::bytea[], {4.enqueued_arrays});
