-- Raise the version that makes servers read engines and settings again. It is a row, so the next transaction that raises it waits
-- for this one, and versions rise in the order of commits. It is at least the time in microseconds, so that the version of a
-- transaction that was rolled back is not used again.
update enginehouse.meta
set value = greatest(value + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
where key = 'registry_version'
returning value;
