-- Forget members of operations that have ended before their turn came.
delete from operation_members
where (operation_id, place) in (
    select m.operation_id, m.place
    from operations as o
    inner join operation_members as m on o.operation_id = m.operation_id
    where o.finished_at is not null and o.status in ('cancelled', 'failed') and m.place > o.done_to
    limit ?1
);
