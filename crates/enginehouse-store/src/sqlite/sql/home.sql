-- Where the file was served last.
select value
from meta
where key = 'home';
