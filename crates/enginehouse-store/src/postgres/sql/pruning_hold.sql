-- Until when nothing is pruned, if that lies ahead.
select held.value
from enginehouse.meta as held
where
    held.key = 'pruning_held_until'
    and held.value > (select m.value from enginehouse.meta as m where m.key = 'last_time');
