-- Keep tokens, or what has changed of them.
insert into enginehouse.tokens ({token_columns})
select {token_columns}
from unnest({1.token_arrays}) as t ({token_columns})
on conflict (accessor) do update set {excluded.token_set};
