-- Takes away everything that 0001 made: all engines and events are lost.

-- statement
drop view enginehouse.event_overview;

-- statement
drop table
    enginehouse.lane_changes, enginehouse.run_pauses, enginehouse.scenario_runs, enginehouse.lane_counts, enginehouse.audit_chain,
    enginehouse.audit_log,
    enginehouse.tokens, enginehouse.operation_members, enginehouse.operations, enginehouse.event_minutes, enginehouse.duration_histograms,
    enginehouse.queues, enginehouse.event_types, enginehouse.dead_letters, enginehouse.attempt_reports, enginehouse.attempts,
    enginehouse.event_payloads, enginehouse.events, enginehouse.lanes, enginehouse.engines, enginehouse.meta,
    enginehouse.schema_version;

-- statement
drop domain
    enginehouse.name, enginehouse.idempotency_key, enginehouse.traceparent, enginehouse.version_range, enginehouse.capability_set,
    enginehouse.json_object, enginehouse.bucket_counts, enginehouse.visibility_timeout_ms, enginehouse.max_processing_ms,
    enginehouse.progress_timeout_ms;

-- statement
drop function enginehouse.is_name, enginehouse.is_one_line, enginehouse.is_version_range, enginehouse.as_count,
    enginehouse.decayed;

-- statement
drop schema enginehouse;
