-- Write what people have changed of events that were just written: their lanes, labels and overrides.
update enginehouse.events as e
set {c.attribute_set}
from unnest($1::uuid[], {2.attribute_arrays}) as c (event_id, {attribute_columns})
where e.event_id = c.event_id;
