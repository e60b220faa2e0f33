-- Add what operators did.
insert into enginehouse.audit_log (at, action, target, detail)
select at, action, target, detail
from unnest($1::timestamptz[], $2::text[], $3::text[], $4::json[]) with ordinality as a (at, action, target, detail, place)
order by place;
