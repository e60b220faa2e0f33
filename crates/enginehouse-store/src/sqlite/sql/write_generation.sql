-- Begin a generation.
update meta
set value = ?1
where key = 'generation';
