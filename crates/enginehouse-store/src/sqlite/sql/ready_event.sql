-- An event with its payload: one statement is cheaper than two.
select {e.event_columns}, p.payload, p.checksum
from events as e
left join event_payloads as p on p.event_id = e.event_id
where e.event_id = ?1;
