-- Add an event that nobody has claimed yet, without its payload: what else there is of its state is as the defaults of its
-- columns say.
insert into events (available_at, expires_at, fingerprint, {enqueued_columns})
values (?, ?, ?, {enqueued_values});
