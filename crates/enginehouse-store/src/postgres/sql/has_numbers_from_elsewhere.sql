-- Whether rows name transactions that have not begun here: they come from a dump of another cluster. Locks are not looked at:
-- there may be many dead ones, and one with a number from the future is found like any other.
select
    exists (
        select from enginehouse.lanes
        where
            changed_by >= pg_snapshot_xmax(pg_current_snapshot())
            or forgettable_by >= pg_snapshot_xmax(pg_current_snapshot())
    )
    or exists (
        select from enginehouse.lane_changes
        where changed_by >= pg_snapshot_xmax(pg_current_snapshot())
    );
