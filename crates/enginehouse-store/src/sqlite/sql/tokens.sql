-- Every token, by its accessor.
select {token_columns}
from tokens
order by accessor;
