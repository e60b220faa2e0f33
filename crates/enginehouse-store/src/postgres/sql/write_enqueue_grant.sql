-- Let a database role enqueue something, if there is such a role.
insert into enginehouse.enqueue_grants (role_name, queue, event_type, granted_at)
select $1::text, $2::text, $3::text, $4::timestamptz
where exists (select from pg_roles where rolname = $1::text)
on conflict (role_name, queue, event_type) do update set granted_at = excluded.granted_at;
