-- The last members of an operation that had their turn, up to a place, and were not changed.
select {operation_member_columns}
from enginehouse.operation_members
where operation_id = $1 and place <= $2
order by place desc
limit $3;
