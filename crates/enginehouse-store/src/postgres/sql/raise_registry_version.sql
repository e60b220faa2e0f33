-- Raise the number that tells servers to read engines and settings again. It is a row: whoever raises it next waits for
-- this transaction, and so the number rises in the order of the commits.
update enginehouse.meta
set value = value + 1
where key = 'registry_version'
returning value;
