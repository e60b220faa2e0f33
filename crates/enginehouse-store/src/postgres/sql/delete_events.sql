-- Forget events with their payloads, attempts and reports.
with
gone as (
    delete from enginehouse.events
    where event_id = any($1)
    returning event_id, lane_id, status, scenario_run_id
),
payloads as (delete from enginehouse.event_payloads where event_id = any($1)),
attempts as (delete from enginehouse.attempts where event_id = any($1)),
reports as (delete from enginehouse.attempt_reports where event_id = any($1)),
letters as (delete from enginehouse.dead_letters where event_id = any($1))
select lane_id, status, scenario_run_id
from gone;
