-- Takes away what 0002 made. It keeps no data: nothing is lost.

-- statement
drop function
    enginehouse.wake,
    enginehouse.enqueue_many,
    enginehouse.enqueue,
    enginehouse.add_events,
    enginehouse.read_events,
    enginehouse.fingerprint,
    enginehouse.counted_bits,
    enginehouse.counted,
    enginehouse.checked_capabilities,
    enginehouse.bad_capabilities,
    enginehouse.checked_labels,
    enginehouse.bad_labels,
    enginehouse.checked_retry_policy,
    enginehouse.bad_retry_policy,
    enginehouse.bad_keys,
    enginehouse.bad_number,
    enginehouse.bad_whole_number,
    enginehouse.bad_words,
    enginehouse.bad_name,
    enginehouse.is_version_requirement,
    enginehouse.is_name,
    enginehouse.pointer_step,
    enginehouse.json_field,
    enginehouse.json_string,
    enginehouse.json_fault,
    enginehouse.json_original,
    enginehouse.json_readable,
    enginehouse.json_has_half_a_pair,
    enginehouse.json_float,
    enginehouse.delay_millis,
    enginehouse.rfc_3339_millis,
    enginehouse.from_millis;

-- statement
drop type enginehouse.event_draft;

-- statement
delete from enginehouse.schema_version where version = 2;
