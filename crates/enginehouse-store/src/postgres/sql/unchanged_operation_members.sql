-- Members of an operation that had their turn, up to a place, and were not changed, from behind another place on.
select {operation_member_columns}
from enginehouse.operation_members
where operation_id = $1 and place <= $2 and place > $3
order by place
limit $4;
