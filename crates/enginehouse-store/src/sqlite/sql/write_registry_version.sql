-- Raise that number.
update meta
set value = ?1
where key = 'registry_version';
