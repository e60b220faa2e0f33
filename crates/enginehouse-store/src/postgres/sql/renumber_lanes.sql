-- Give lanes the number of this transaction: theirs are of another cluster.
update enginehouse.lanes
set changed_by = pg_current_xact_id(), forgettable_by = null;
