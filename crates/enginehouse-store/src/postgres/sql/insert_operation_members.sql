-- Add members to an operation, those that are none already.
insert into enginehouse.operation_members ({operation_member_columns})
select {operation_member_columns}
from unnest({1.operation_member_arrays}) as m ({operation_member_columns})
on conflict (operation_id, target) do nothing;
