-- Add an attempt that did not complete its event.
insert into attempts (event_id, {attempt_columns})
values (?, {attempt_values});
