-- Replace transaction ids of another cluster in lanes by the id of this transaction.
update enginehouse.lanes
set changed_by = pg_current_xact_id(), prunable_by = null;
