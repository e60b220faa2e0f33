-- The version of the registry with which tokens were last changed.
select value
from meta
where key = 'tokens_version';
