-- Note with which version of the registry an engine has changed.
update engines
set registry_version = ?2
where engine_id = ?1;
