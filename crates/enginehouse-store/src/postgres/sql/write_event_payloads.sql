-- Give events other payloads.
update enginehouse.event_payloads as p
set payload = c.payload
from unnest($1::uuid[], $2::json[]) as c (event_id, payload)
where p.event_id = c.event_id;
