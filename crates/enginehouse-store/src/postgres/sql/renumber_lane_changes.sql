-- Give changes of counts the number of this transaction: theirs are of another cluster.
update enginehouse.lane_changes
set changed_by = pg_current_xact_id();
