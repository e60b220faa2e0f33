-- Whether rows hold ids of transactions that have not begun in this cluster: they come from a dump of another one. Locks are not
-- checked: many rows may be dead, and a lock with an id from the future is found like any other.
select
    exists (
        select from enginehouse.lanes
        where
            changed_by >= pg_snapshot_xmax(pg_current_snapshot())
            or prunable_by >= pg_snapshot_xmax(pg_current_snapshot())
    )
    or exists (
        select from enginehouse.lane_changes
        where changed_by >= pg_snapshot_xmax(pg_current_snapshot())
    );
