-- Raise the number that tells servers to read engines and settings again. It is a row: whoever raises it next waits for
-- this transaction, and so the number rises in the order of the commits. It rises to the microsecond, so that a number of a
-- transaction that was rolled back is not given again.
update enginehouse.meta
set value = greatest(value + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
where key = 'registry_version'
returning value;
