-- Forget operations that ended before a moment, and have no members any more.
delete from operations
where operation_id in (
    select o.operation_id
    from operations as o
    where o.finished_at < ?1 and not exists (select 1 from operation_members as m where m.operation_id = o.operation_id)
    order by o.finished_at
    limit ?2
);
