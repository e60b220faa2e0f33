-- Add the payloads of events, as they were sent.
insert into enginehouse.event_payloads ({payload_columns})
select *
from unnest({1.payload_arrays});
