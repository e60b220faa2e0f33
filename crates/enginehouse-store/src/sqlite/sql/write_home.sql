-- Remember where the file is served.
update meta
set value = ?1
where key = 'home';
