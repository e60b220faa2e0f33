-- Add dead letters.
insert into enginehouse.dead_letters ({dead_letter_columns})
select *
from unnest({1.dead_letter_arrays});
