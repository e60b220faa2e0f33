-- Forget operations that ended before a moment, and have no members any more. What another server forgets at the same time is left
-- to it.
delete from enginehouse.operations
where operation_id in (
    select o.operation_id
    from enginehouse.operations as o
    where
        o.finished_at < $1
        and not exists (select 1 from enginehouse.operation_members as m where m.operation_id = o.operation_id)
    order by o.finished_at
    limit $2
    for update of o skip locked
);
