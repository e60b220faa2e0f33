-- Until when nothing is pruned, because the clock has jumped.
select value
from meta
where key = 'pruning_held_until';
