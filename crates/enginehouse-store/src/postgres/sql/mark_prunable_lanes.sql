-- Mark lanes that were retired before every transaction in progress began. Transactions that begin later do not use them.
update enginehouse.lanes
set prunable_by = pg_current_xact_id()
where
    lane_id in (
        select lane_id
        from enginehouse.lanes
        where retired and prunable_by is null and changed_by < pg_snapshot_xmin(pg_current_snapshot())
        order by lane_id
        limit $1
        for update skip locked
    );
