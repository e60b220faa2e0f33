-- The number that rises whenever an engine registers or stops, or a setting changes; and the generation of the store.
select
    (select value from enginehouse.meta where key = 'registry_version'),
    (select value from enginehouse.meta where key = 'generation');
