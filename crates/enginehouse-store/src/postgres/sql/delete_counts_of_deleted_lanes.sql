-- Delete counts that have become zero, of lanes that were deleted.
delete from enginehouse.lane_counts
where lane_id in (
    select c.lane_id
    from enginehouse.lane_counts as c
    where
        c.lane_id = any($1) and (c.queued, c.processing, c.completed, c.failed, c.cancelled) = (0, 0, 0, 0, 0)
        and not exists (select 1 from enginehouse.lanes as l where l.lane_id = c.lane_id)
    order by c.lane_id
    for update
);
