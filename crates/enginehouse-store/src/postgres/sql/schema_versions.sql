-- The migrations that were applied.
select version, name, oldest_compatible, applied_at
from enginehouse.schema_version
order by version;
