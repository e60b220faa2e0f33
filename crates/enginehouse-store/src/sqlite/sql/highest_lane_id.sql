-- The highest number that a lane has had, forgotten ones included.
select coalesce(max(seq), 0)
from sqlite_sequence
where name = 'lanes';
