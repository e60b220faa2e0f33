-- Note with which version of the registry these engines have changed.
update enginehouse.engines
set registry_version = $2
where engine_id = any($1);
