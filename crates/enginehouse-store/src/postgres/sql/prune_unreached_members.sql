-- Forget members of operations that have ended before their turn came. What another server forgets at the same time is left to it.
delete from enginehouse.operation_members
where (operation_id, place) in (
    select m.operation_id, m.place
    from enginehouse.operations as o
    inner join enginehouse.operation_members as m on o.operation_id = m.operation_id
    where o.finished_at is not null and o.status in ('cancelled', 'failed') and m.place > o.done_to
    limit $1
    for update of m skip locked
);
