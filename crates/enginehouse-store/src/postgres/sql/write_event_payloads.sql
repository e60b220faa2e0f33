-- Give events other payloads.
update enginehouse.event_payloads as p
set payload = c.payload, checksum = c.checksum
from unnest({1.payload_arrays}) as c ({payload_columns})
where p.event_id = c.event_id;
