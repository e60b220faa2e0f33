-- The number that rises with every change that is cached elsewhere.
select value
from meta
where key = 'registry_version';
