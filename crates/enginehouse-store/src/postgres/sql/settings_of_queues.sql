-- What is set for queues.
select queue, {settings_columns}
from enginehouse.queues
order by queue;
