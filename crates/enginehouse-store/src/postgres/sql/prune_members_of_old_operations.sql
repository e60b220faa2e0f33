-- Forget members of operations that ended before a moment. What another server forgets at the same time is left to it.
delete from enginehouse.operation_members
where (operation_id, place) in (
    select m.operation_id, m.place
    from enginehouse.operations as o
    inner join enginehouse.operation_members as m on o.operation_id = m.operation_id
    where o.finished_at < $1
    limit $2
    for update of m skip locked
);
