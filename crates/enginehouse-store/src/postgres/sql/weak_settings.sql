-- Settings of the database under which a crash may take back what was committed, or hide that something is damaged.
select name, setting
from pg_settings
where
    (name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off')
    or (name in ('zero_damaged_pages', 'ignore_checksum_failure', 'ignore_invalid_pages') and setting = 'on')
order by name;
