-- Replace transaction ids of another cluster in changes of lanes by the id of this transaction.
update enginehouse.lane_changes
set changed_by = pg_current_xact_id();
