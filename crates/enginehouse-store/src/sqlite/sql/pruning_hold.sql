-- Until when nothing is pruned, if that lies ahead.
select max(held.value)
from meta as held
where
    held.key = 'pruning_held_until'
    and held.value > (select m.value from meta as m where m.key = 'last_time');
