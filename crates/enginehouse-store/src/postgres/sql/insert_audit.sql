-- Add what operators did, in the order given.
insert into enginehouse.audit_log ({audit_columns})
select {audit_columns}
from unnest({1.audit_arrays}) with ordinality as a ({audit_columns}, place)
order by place;
