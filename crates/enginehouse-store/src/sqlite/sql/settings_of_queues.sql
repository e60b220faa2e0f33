-- What is set for each queue.
select queue, {settings_columns}
from queues
order by queue;
