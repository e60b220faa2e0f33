-- Note when secrets of tokens were last used: the present ones, or those from before their rotations.
with uses as materialized (
    select {token_use_columns}
    from unnest({1.token_use_arrays}) as u ({token_use_columns})
)

update enginehouse.tokens as t
set
    last_used_at = greatest(t.last_used_at, c.used_at),
    previous_last_used_at = greatest(t.previous_last_used_at, p.used_at)
from enginehouse.tokens as k
left join uses as c on k.accessor = c.accessor and k.secret_sha256 = c.secret_sha256
left join uses as p on k.accessor = p.accessor and k.previous_sha256 = p.secret_sha256
where t.accessor = k.accessor and (c.accessor is not null or p.accessor is not null);
