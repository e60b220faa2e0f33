-- Give locks the number of this transaction: theirs are of another cluster.
update enginehouse.events
set lock_given_by = pg_current_xact_id()
where status = 'processing';
