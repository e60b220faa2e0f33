-- Keep a token, or what has changed of it.
insert into tokens ({token_columns})
values ({token_values})
on conflict (accessor) do update set {excluded.token_set};
