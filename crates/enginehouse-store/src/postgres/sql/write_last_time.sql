-- Note the latest time that a server has seen, so that no server begins earlier, on this machine or on another one; and how far
-- it is ahead of the clock.
with noted as (
    update enginehouse.meta
    set value = $1
    where key = 'last_time' and value < $1
    returning key
)
update enginehouse.meta
set value = $2
where key = 'last_time_lead' and exists (select from noted);
