-- Takes away everything that 0001 made: all engines and events are lost. The file stays one of Enginehouse.

-- statement
drop view event_overview;

-- statement
drop table run_pauses;

-- statement
drop table scenario_runs;

-- statement
drop table lane_counts;

-- statement
drop table audit_chain;

-- statement
drop table audit_log;

-- statement
drop table tokens;

-- statement
drop table operation_members;

-- statement
drop table operations;

-- statement
drop table event_minutes;

-- statement
drop table duration_histograms;

-- statement
drop table queues;

-- statement
drop table event_types;

-- statement
drop table dead_letters;

-- statement
drop table attempt_reports;

-- statement
drop table attempts;

-- statement
drop table event_payloads;

-- statement
drop table events;

-- statement
drop table lanes;

-- statement
drop table engines;

-- statement
drop table meta;

-- statement
drop table schema_version;

-- statement
pragma user_version = 0;
