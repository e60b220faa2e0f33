-- The versions of the registry with which settings were last changed, and engines were last deleted.
select
    (select s.value from meta as s where s.key = 'settings_version'),
    (select d.value from meta as d where d.key = 'engines_deleted_version');
