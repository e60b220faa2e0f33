-- From which addresses a token was used, as far as that was noted.
select distinct address
from enginehouse.audit_log
where target = $1 and action = 'token.first_use' and address is not null
limit $2;
