-- Add a dead letter.
insert into dead_letters (event_id, event_type, queue, reason, dead_lettered_at, error_code, error_group)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7);
