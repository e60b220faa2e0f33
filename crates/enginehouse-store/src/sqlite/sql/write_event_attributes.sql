-- Write what a person has changed of an event that was just written: its lane, labels and overrides.
update events
set {attribute_set}
where event_id = ?;
