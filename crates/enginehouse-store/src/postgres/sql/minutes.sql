-- What happened each minute, in the order of the key, behind a place of it and before a minute; of one queue, or one event type.
select {minute_columns}
from enginehouse.event_minutes
where
    (minute, queue, event_type) > ($1, $2, $3)
    and minute < $4
    and ($5::text is null or queue = $5)
    and ($6::text is null or event_type = $6)
order by minute, queue, event_type
limit $7;
