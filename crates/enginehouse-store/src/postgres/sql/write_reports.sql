-- Add reports to what was reported of the same attempts before: what they do not say stays.
insert into enginehouse.attempt_reports as r (event_id, {report_columns}, {report_text_columns})
select *
from unnest($1::uuid[], {2.report_arrays}, {11.report_text_arrays})
on conflict (event_id, lock_serial) do update set
    reported_at = excluded.reported_at,
    cpu_ms = coalesce(excluded.cpu_ms, r.cpu_ms),
    max_memory_kb = coalesce(excluded.max_memory_kb, r.max_memory_kb),
    gpu_ms = coalesce(excluded.gpu_ms, r.gpu_ms),
    log_url = coalesce(excluded.log_url, r.log_url),
    checkpoint = coalesce(excluded.checkpoint, r.checkpoint),
    log_bytes = coalesce(excluded.log_bytes, r.log_bytes),
    log = coalesce(excluded.log, r.log),
    progress_at = case when excluded.progress_at is null then r.progress_at else excluded.progress_at end,
    progress_basis_points = case when excluded.progress_at is null then r.progress_basis_points else excluded.progress_basis_points end,
    progress_message = case when excluded.progress_at is null then r.progress_message else excluded.progress_message end;
