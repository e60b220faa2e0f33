-- The migrations that were applied.
select version, name, breaking, applied_at
from enginehouse.schema_version
order by version;
