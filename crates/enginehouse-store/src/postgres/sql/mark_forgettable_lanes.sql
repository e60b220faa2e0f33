-- Note of lanes that are out of use for every transaction to come when that was so.
update enginehouse.lanes
set forgettable_by = pg_current_xact_id()
where
    lane_id in (
        select lane_id
        from enginehouse.lanes
        where retired and forgettable_by is null and changed_by < pg_snapshot_xmin(pg_current_snapshot())
        order by lane_id
        limit $1
        for update skip locked
    );
