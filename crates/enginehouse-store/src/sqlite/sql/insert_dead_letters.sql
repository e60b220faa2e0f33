-- Add a dead letter.
insert into dead_letters ({dead_letter_columns})
values ({dead_letter_values});
