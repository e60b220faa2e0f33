-- Takes away what 0002 made: the grants of database roles are lost, and nothing else.

-- statement
drop function
    enginehouse.wake,
    enginehouse.enqueue_many,
    enginehouse.enqueue(
        text, text, text, integer, timestamptz, float8, text[], bigint, text, text, text, bigint, json, bigint,
        bigint, bigint, bigint, json, text
    ),
    enginehouse.enqueue(
        text, jsonb, text, integer, timestamptz, float8, text[], bigint, text, text, text, bigint, json, bigint,
        bigint, bigint, bigint, json, text
    ),
    enginehouse.enqueue(
        text, json, text, integer, timestamptz, float8, text[], bigint, text, text, text, bigint, json, bigint,
        bigint, bigint, bigint, json, text
    ),
    enginehouse.add_events,
    enginehouse.is_granted,
    enginehouse.label_text,
    enginehouse.capability_text,
    enginehouse.fingerprint,
    enginehouse.payload_text,
    enginehouse.canonical_json,
    enginehouse.available_at,
    enginehouse.delay_ms,
    enginehouse.draft_errors,
    enginehouse.shape_errors,
    enginehouse.payload_error,
    enginehouse.range_error,
    enginehouse.time_error,
    enginehouse.pointer_step,
    enginehouse.line_error,
    enginehouse.name_error,
    enginehouse.must_be,
    enginehouse.read_whole_number,
    enginehouse.read_time,
    enginehouse.read_number;

-- statement
drop table enginehouse.enqueue_grants;

-- statement
drop type enginehouse.event_draft;

-- statement
delete from enginehouse.schema_version where version = 2;
