-- Engines that have changed since a version of the registry.
select {engine_columns}
from engines indexed by engines_registry_version
where registry_version > ?1;
