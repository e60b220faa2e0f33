-- Bring retired lanes back into use.
update enginehouse.lanes
set retired = false, prunable_by = null, changed_by = pg_current_xact_id()
where lane_id = any($1) and retired;
