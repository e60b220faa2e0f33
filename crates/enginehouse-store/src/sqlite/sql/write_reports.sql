-- Add a report to what was reported of the same attempt before: what it does not say stays.
insert into attempt_reports (event_id, {report_columns}, {report_text_columns})
values (?, {report_values}, {report_text_values})
on conflict (event_id, lock_serial) do update set
    reported_at = excluded.reported_at,
    cpu_ms = coalesce(excluded.cpu_ms, attempt_reports.cpu_ms),
    max_memory_kb = coalesce(excluded.max_memory_kb, attempt_reports.max_memory_kb),
    gpu_ms = coalesce(excluded.gpu_ms, attempt_reports.gpu_ms),
    log_url = coalesce(excluded.log_url, attempt_reports.log_url),
    checkpoint = coalesce(excluded.checkpoint, attempt_reports.checkpoint),
    log_bytes = coalesce(excluded.log_bytes, attempt_reports.log_bytes),
    log = coalesce(excluded.log, attempt_reports.log),
    progress_at = case when excluded.progress_at is null then attempt_reports.progress_at else excluded.progress_at end,
    progress_basis_points = case when excluded.progress_at is null then attempt_reports.progress_basis_points else excluded.progress_basis_points end,
    progress_message = case when excluded.progress_at is null then attempt_reports.progress_message else excluded.progress_message end;
