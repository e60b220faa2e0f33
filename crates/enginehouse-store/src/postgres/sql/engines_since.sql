-- Engines that have changed since a version of the registry.
select {engine_columns}
from enginehouse.engines
where registry_version > $1;
