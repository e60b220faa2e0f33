-- The generation of epochs and lock serials.
select value
from meta
where key = 'generation';
