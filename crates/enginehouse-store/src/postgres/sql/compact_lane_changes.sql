-- Compact changes of lanes that were made before a moment, by transactions from one up to, but not including, another: delete
-- the oldest, up to a limit, and add them to the counts. Rows that another server is compacting are waited for, so that an
-- answer below the limit says that none is left. Counts are locked in the order of their keys, those of lanes before those of
-- runs, so that two servers cannot deadlock. Answers how many changes there were, and the lanes and runs whose counts are zero.
with
compacted as (
    delete from enginehouse.lane_changes
    where ctid = any(array(
        select ctid
        from enginehouse.lane_changes
        where changed_by >= $2 and changed_by < $3 and changed_at < $1
        order by changed_by
        limit $4
        for update
    ))
    returning
        lane_id, scenario_run_id, queued, processing, completed, failed, cancelled, first_enqueued_at, active_at, ended
),
of_runs as (
    select *, max(active_at) over (partition by scenario_run_id) as last_active_at
    from compacted
    where scenario_run_id is not null
),
lanes as (
    insert into enginehouse.lane_counts as c (lane_id, queued, processing, completed, failed, cancelled)
    select
        lane_id, enginehouse.as_count(sum(queued)), enginehouse.as_count(sum(processing)),
        enginehouse.as_count(sum(completed)), enginehouse.as_count(sum(failed)), enginehouse.as_count(sum(cancelled))
    from compacted
    group by lane_id
    order by lane_id
    on conflict (lane_id) do update set
        queued = enginehouse.as_count(c.queued::numeric + excluded.queued),
        processing = enginehouse.as_count(c.processing::numeric + excluded.processing),
        completed = enginehouse.as_count(c.completed::numeric + excluded.completed),
        failed = enginehouse.as_count(c.failed::numeric + excluded.failed),
        cancelled = enginehouse.as_count(c.cancelled::numeric + excluded.cancelled)
    returning c.lane_id, (c.queued, c.processing, c.completed, c.failed, c.cancelled) = (0, 0, 0, 0, 0) as is_zero
),
runs as (
    insert into enginehouse.scenario_runs as r (
        scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled, last_activity_at, ended_lately
    )
    -- A run whose first event is in changes that are still to come knows nothing of its beginning yet.
    select
        scenario_run_id, coalesce(min(first_enqueued_at), 'infinity'), enginehouse.as_count(sum(queued)),
        enginehouse.as_count(sum(processing)),
        enginehouse.as_count(sum(completed)), enginehouse.as_count(sum(failed)), enginehouse.as_count(sum(cancelled)),
        coalesce(max(active_at), '1970-01-01 00:00:00Z'),
        enginehouse.as_count(coalesce(sum(
            enginehouse.decayed(enginehouse.as_count(ended::numeric * 1000000), active_at, last_active_at)
        ), 0))
    from of_runs
    where (select count(*) from lanes) > 0
    group by scenario_run_id
    order by scenario_run_id
    on conflict (scenario_run_id) do update set
        first_enqueued_at = least(r.first_enqueued_at, excluded.first_enqueued_at),
        queued = enginehouse.as_count(r.queued::numeric + excluded.queued),
        processing = enginehouse.as_count(r.processing::numeric + excluded.processing),
        completed = enginehouse.as_count(r.completed::numeric + excluded.completed),
        failed = enginehouse.as_count(r.failed::numeric + excluded.failed),
        cancelled = enginehouse.as_count(r.cancelled::numeric + excluded.cancelled),
        last_activity_at = greatest(r.last_activity_at, excluded.last_activity_at),
        ended_lately =
            enginehouse.decayed(
                r.ended_lately, r.last_activity_at, greatest(r.last_activity_at, excluded.last_activity_at)
            )
            + enginehouse.decayed(
                excluded.ended_lately, excluded.last_activity_at, greatest(r.last_activity_at, excluded.last_activity_at)
            )
    returning
        r.scenario_run_id, (r.queued, r.processing, r.completed, r.failed, r.cancelled) = (0, 0, 0, 0, 0) as is_zero
)
select
    (select count(*) from compacted),
    array(select lane_id from lanes where is_zero),
    array(select scenario_run_id::text from runs where is_zero);
