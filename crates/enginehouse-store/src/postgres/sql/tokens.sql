-- Every token, by its accessor.
select {token_columns}
from enginehouse.tokens
order by accessor;
