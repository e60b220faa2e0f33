-- Add dead letters.
insert into enginehouse.dead_letters (event_id, event_type, queue, reason, dead_lettered_at, error_code, error_group)
select *
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[]);
