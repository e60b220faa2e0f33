-- Forget members of operations that ended before a moment.
delete from operation_members
where (operation_id, place) in (
    select m.operation_id, m.place
    from operations as o
    inner join operation_members as m on o.operation_id = m.operation_id
    where o.finished_at < ?1
    limit ?2
);
