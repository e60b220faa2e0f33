-- Add a member to an operation, unless it is one already.
insert into operation_members ({operation_member_columns})
values ({operation_member_values})
on conflict (operation_id, target) do nothing;
