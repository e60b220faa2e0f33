-- Note with which version of the registry a part of it has changed.
update enginehouse.meta
set value = $2
where key = $1;
