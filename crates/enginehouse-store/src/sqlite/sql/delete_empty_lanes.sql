-- Forget lanes without events. Their counts go with them.
delete from lanes
where lane_id in (
    select l.lane_id
    from lanes as l
    where not exists (select 1 from lane_counts as c where c.lane_id = l.lane_id and c.events > 0)
    order by l.lane_id
    limit ?1
)
returning lane_id;
