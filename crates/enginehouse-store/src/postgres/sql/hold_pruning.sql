-- Keep everything until then.
update enginehouse.meta
set value = $1
where key = 'pruning_held_until';
