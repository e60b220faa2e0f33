-- The next members of an operation behind a place.
select {operation_member_columns}
from operation_members
where operation_id = ?1 and place > ?2
order by place
limit ?3;
