-- The generation of epochs and lock serials.
select value
from enginehouse.meta
where key = 'generation';
