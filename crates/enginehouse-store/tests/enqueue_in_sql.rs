//! Enqueueing in SQL is judged by the rules in core, and belongs to the transaction that does it.

mod database;
mod drafts;

use std::collections::HashSet;
use std::time::Duration;

use database::{Database, Wait};
use enginehouse_cluster::Cluster;
use enginehouse_core::canonical_json::canonical;
use enginehouse_core::event::NewEvent;
use enginehouse_core::fingerprint;
use enginehouse_core::input::read_json;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::json::RawJson;
use enginehouse_core::policy::RetryPolicyPatch;
use enginehouse_core::time::Timestamp;
use enginehouse_store::migrations::{SchemaName, migrate_postgres, revert_postgres};
use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, IsolationLevel, Row};
use uuid::Uuid;

const ENQUEUE_MANY: &str =
    "select place, event_id, duplicate from enginehouse.enqueue_many($1::text::json) order by place";

#[tokio::test]
async fn a_table_of_drafts_is_judged_as_core_judges_it() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let (accepted, refused) = compare(&client, &drafts::table()).await;
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted and {refused} refused");
}

#[tokio::test]
async fn generated_drafts_are_judged_as_core_judges_them() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let (accepted, refused) = compare(&client, &drafts::generated(2_000)).await;
    assert!(accepted > 500 && refused > 500, "{accepted} accepted and {refused} refused");
}

/// A payload that is good has one canonical text, whoever makes it.
#[tokio::test]
async fn a_payload_has_one_text_in_sql_and_in_core() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let mut compared = 0;
    for payloads in drafts::payloads(4_000).chunks(200) {
        let good: Vec<_> = payloads.iter().filter(|json| RawJson::trusted(json.as_str()).check().is_ok()).collect();
        let texts =
            "select enginehouse.payload_text(t::json) from unnest($1::text[]) with ordinality as u (t, n) order by n";
        for (json, row) in good.iter().zip(client.query(texts, &[&good]).await.unwrap()) {
            assert_eq!(row.get::<_, String>(0), canonical(json), "{json}");
            compared += 1;
        }
    }
    assert!(compared > 2_000, "{compared} were good");
}

#[tokio::test]
async fn a_repeat_in_other_bytes_is_the_same_request() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let enqueue = async |json: &str| -> bool {
        let row = client.query_one(ENQUEUE_MANY, &[&format!("[{json}]")]).await.unwrap();
        row.get("duplicate")
    };
    assert!(!enqueue(r#"{"event_type":"a","idempotency_key":"k","payload":{"a":[1,{"c":2,"b":"é/"}]}}"#).await);
    assert!(
        enqueue(r#"{"payload": {"a": [ 1, {"b":"\u00e9\/", "c":2} ]},"idempotency_key":"\u006b","event_type":"a"}"#)
            .await
    );
}

/// Compares what SQL makes of every draft with what core makes of it, and answers how many are accepted and refused.
async fn compare(client: &Client, drafts: &[String]) -> (usize, usize) {
    let (mut accepted, mut refused, mut disagreements) = (0, 0, Vec::new());
    // A message names the fields of a hundred events at most.
    for some in drafts.chunks(100) {
        let mut good: Vec<Good<'_>> = Vec::new();
        for (draft, said) in some.iter().zip(said_of(client, some).await) {
            match (judge(draft), said) {
                (Ok(event), None) => good.push((draft, event)),
                (Err(None), Some(_)) => refused += 1,
                (Err(Some(invalid)), Some(mut said)) => {
                    // Keys that differ in control characters alone have one pointer.
                    said.dedup();
                    // What cannot be read at all is refused without the pointer of a field.
                    // And core looks at `run_at` only where there is no `delay_seconds`, SQL at each by itself.
                    if said != [UNREADABLE] {
                        let mut expected: Vec<_> = invalid.errors.iter().map(|error| plain(&error.pointer)).collect();
                        expected.sort();
                        expected.dedup();
                        if said != expected && !drafts::is_beyond_postgresql(draft) {
                            disagreements.push(format!("{draft}\ncore: {expected:?}\nSQL: {said:?}"));
                        }
                    }
                    refused += 1;
                }
                (Ok(_), Some(_)) if drafts::is_beyond_postgresql(draft) => refused += 1,
                (core, sql) => {
                    disagreements.push(format!("{draft}\ncore: {:?}\nSQL: {sql:?}", core.map(|_| "accepted")));
                }
            }
        }
        accepted += good.len();
        while !good.is_empty() {
            // One call has each key once, for this purpose.
            let mut keys = HashSet::new();
            let is_other = |(_, event): &mut Good<'_>| event.idempotency_key.clone().is_none_or(|key| keys.insert(key));
            let batch: Vec<_> = good.extract_if(.., is_other).collect();
            compare_stored(client, &batch).await;
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    (accepted, refused)
}

/// Stands for the fields of a draft that PostgreSQL cannot read: one with half of a surrogate pair.
const UNREADABLE: &str = "unreadable";

/// What SQL refuses of each draft: the pointers of its bad fields, in order, or nothing if it is good.
async fn said_of(client: &Client, drafts: &[String]) -> Vec<Option<Vec<String>>> {
    client.batch_execute("begin").await.unwrap();
    let enqueued = client.query(ENQUEUE_MANY, &[&format!("[{}]", drafts.join(","))]).await;
    client.batch_execute("rollback").await.unwrap();
    let Err(refused) = enqueued else { return vec![None; drafts.len()] };
    let refused = refused.as_db_error().unwrap();
    let mut said = vec![None; drafts.len()];
    match refused.code() {
        &SqlState::INVALID_PARAMETER_VALUE => {
            for error in refused.message().split("; /events/") {
                let error = error.trim_start_matches("/events/");
                let pointer = error.split(": ").next().unwrap();
                let (place, field) = pointer.find('/').map_or((pointer, ""), |slash| pointer.split_at(slash));
                said[place.parse::<usize>().unwrap()].get_or_insert_with(Vec::new).push(plain(field));
            }
            said.iter_mut().flatten().for_each(|pointers| pointers.sort());
            said
        }
        &SqlState::INVALID_TEXT_REPRESENTATION if drafts.len() == 1 => vec![Some(vec![UNREADABLE.to_owned()])],
        // Two good drafts with one key, or one that cannot be read: each has a call of its own.
        code if drafts.len() > 1 => {
            assert!(code == &SqlState::INVALID_TEXT_REPRESENTATION || code.code() == "23I01", "{refused:?}");
            let mut said = Vec::new();
            for draft in drafts {
                said.extend(Box::pin(said_of(client, std::slice::from_ref(draft))).await);
            }
            said
        }
        _ => panic!("{refused:?}\n{drafts:?}"),
    }
}

/// No message of a database can hold the character zero: another one stands for it.
fn plain(pointer: &str) -> String {
    pointer.replace(['\0', '\u{8f}'], "")
}

/// What core says.
fn judge(json: &str) -> Result<NewEvent, Option<Invalid>> {
    read_json(json.as_bytes(), NewEvent::read).map_err(Some)
}

/// A draft that is accepted, and what core makes of it.
type Good<'a> = (&'a str, NewEvent);

/// Stores drafts, compares their rows with what core makes of them, and takes them back.
async fn compare_stored(client: &Client, batch: &[Good<'_>]) {
    let drafts: Vec<_> = batch.iter().map(|(draft, _)| *draft).collect();
    client.batch_execute("begin").await.unwrap();
    let enqueued = client.query(ENQUEUE_MANY, &[&format!("[{}]", drafts.join(","))]).await.unwrap();
    let ids: Vec<Uuid> = enqueued.iter().map(|row| row.get("event_id")).collect();
    let rows = client
        .query(
            "select e.*, l.*, e.labels::text as label_text, e.retry_policy::text as policy_text,
                 p.payload::text as payload_text, p.checksum,
                 (extract(epoch from e.enqueued_at) * 1000)::bigint as enqueued_ms,
                 (extract(epoch from e.available_at) * 1000)::bigint as available_ms,
                 (extract(epoch from e.expires_at) * 1000)::bigint as expires_ms,
                 (extract(epoch from e.idempotency_key_expires_at - e.enqueued_at) * 1000)::bigint as window_ms
             from unnest($1::uuid[]) with ordinality as asked (event_id, place)
             join enginehouse.events as e using (event_id)
             join enginehouse.lanes as l using (lane_id)
             join enginehouse.event_payloads as p using (event_id)
             order by place",
            &[&ids],
        )
        .await
        .unwrap();
    client.batch_execute("rollback").await.unwrap();
    assert_eq!(rows.len(), batch.len());
    for (row, (draft, event)) in rows.iter().zip(batch) {
        compare_row(row, draft, event);
    }
}

fn compare_row(row: &Row, draft: &str, event: &NewEvent) {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let lane = &event.lane;
    assert_eq!(text("queue").as_deref(), Some(lane.queue.as_str()), "{draft}");
    assert_eq!(text("event_type").as_deref(), Some(lane.event_type.as_str()), "{draft}");
    assert_eq!(row.get::<_, i32>("priority"), i32::from(lane.priority), "{draft}");
    let capabilities = serde_json::to_string(&lane.required_capabilities).unwrap();
    assert_eq!(text("required_capabilities"), Some(capabilities), "{draft}");
    let memory: Option<i64> = row.get("required_memory_mb");
    assert_eq!(memory.map(|memory| u64::try_from(memory).unwrap()), lane.required_memory_mb, "{draft}");
    assert_eq!(text("engine_version"), lane.engine_version.as_ref().map(ToString::to_string), "{draft}");

    let moment = |column: &str| Timestamp::from_millis(row.get(column));
    assert_eq!(moment("available_ms"), event.start.available_at(moment("enqueued_ms")), "{draft}");
    assert_eq!(text("scenario_run_id"), event.scenario_run_id.as_ref().map(ToString::to_string), "{draft}");
    assert_eq!(text("idempotency_key").as_deref(), event.idempotency_key.as_deref(), "{draft}");
    let policy = text("policy_text").map(|json| serde_json::from_str::<RetryPolicyPatch>(&json).unwrap());
    assert_eq!(policy, event.overrides.retry_policy, "{draft}");
    let duration = |column: &str| {
        row.get::<_, Option<i64>>(column).map(|millis| Duration::from_millis(u64::try_from(millis).unwrap()))
    };
    assert_eq!(duration("visibility_timeout_ms"), event.overrides.visibility_timeout, "{draft}");
    assert_eq!(duration("max_processing_ms"), event.overrides.max_processing, "{draft}");
    assert_eq!(duration("progress_timeout_ms"), event.overrides.progress_timeout, "{draft}");
    assert_eq!(duration("window_ms"), event.idempotency_window, "{draft}");
    let expires_at = event.expires_after.map(|wait| event.start.available_at(moment("enqueued_ms")) + wait);
    assert_eq!(row.get::<_, Option<i64>>("expires_ms").map(Timestamp::from_millis), expires_at, "{draft}");
    let labels = (!event.labels.is_empty()).then(|| serde_json::to_string(&event.labels).unwrap());
    assert_eq!(text("label_text"), labels, "{draft}");
    assert_eq!(text("traceparent"), event.trace_parent.as_ref().map(ToString::to_string), "{draft}");
    assert_eq!(text("payload_text").as_deref(), Some(event.payload.as_str()), "{draft}");
    let digest: [u8; 32] = Sha256::digest(event.payload.as_str()).into();
    assert_eq!(row.get::<_, i64>("checksum").to_be_bytes(), digest[..8], "{draft}");
    let expected = event.idempotency_key.as_ref().map(|_| fingerprint::of(event).to_vec());
    assert_eq!(row.get::<_, Option<Vec<u8>>>("fingerprint"), expected, "{draft}");
}

#[tokio::test]
async fn an_array_where_an_object_is_asked_for_is_refused() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    for draft in [
        r#"["a"]"#,
        r#"{"event_type":"a","retry_policy":[1]}"#,
        r#"{"event_type":"a","retry_policy":{"retry_delay":[1]}}"#,
        r#"{"event_type":"a","labels":[]}"#,
    ] {
        let refused = client.query(ENQUEUE_MANY, &[&format!("[{draft}]")]).await.unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::INVALID_PARAMETER_VALUE), "{draft}");
    }
}

#[tokio::test]
async fn every_bad_field_of_every_event_is_named() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let events = r#"[{"event_type":"a"},{"event_type":"a b","priority":12},7,{"prioritty":1,"event_type":"a"}]"#;
    let refused = client.query(ENQUEUE_MANY, &[&events]).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INVALID_PARAMETER_VALUE));
    assert_eq!(
        refused.as_db_error().unwrap().message(),
        "/events/1/event_type: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning \
         with a letter or digit, was \"a b\"; /events/1/priority: must be a whole number between 0 and 9, was 12; \
         /events/2: must be an object, was 7; /events/3/prioritty: unknown, must be event_type, payload, queue, \
         priority, run_at, delay_seconds, required_capabilities, required_memory_mb, engine_version, scenario_run_id, \
         idempotency_key, idempotency_window_seconds, retry_policy, visibility_timeout_seconds, \
         max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels or traceparent"
    );
    let enqueue = "select enginehouse.enqueue('a', priority => 10, delay_seconds => 'NaN', labels => '[]')";
    let refused = client.query(enqueue, &[]).await.unwrap_err();
    assert_eq!(
        refused.as_db_error().unwrap().message(),
        "/delay_seconds: must be a number between 0 and 31622400, was \"NaN\"; /labels: must be an object, was an array; \
         /priority: must be a whole number between 0 and 9, was 10"
    );
    for events in ["[]", "{}", "null"] {
        let refused = client.query(ENQUEUE_MANY, &[&events]).await.unwrap_err();
        assert!(refused.as_db_error().unwrap().message().starts_with("/events: "), "{events}");
    }
    let many = format!("[{}]", vec![r#"{"event_type":""}"#; 300].join(","));
    let refused = client.query(ENQUEUE_MANY, &[&many]).await.unwrap_err();
    let message = refused.as_db_error().unwrap().message();
    assert!(message.contains("/events/99/event_type") && !message.contains("/events/100/event_type"));
    assert!(message.ends_with("; and so on: 300 events are refused"));
    assert_eq!((count(&client, "events").await, count(&client, "lanes").await), (0, 0));
}

#[tokio::test]
async fn one_event_is_the_same_request_by_arguments_and_as_json() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let by_arguments: Uuid = client
        .query_one(
            r#"select enginehouse.enqueue(
                event_type => 'frame.render', payload => ' {"frame": 42} ', queue => 'night', priority => 2,
                run_at => '2030-01-01 12:00:00.5+01', required_capabilities => '{gpu,cuda-12,gpu}',
                required_memory_mb => 512, engine_version => '>=1.4, <2', scenario_run_id => 'run-1',
                idempotency_key => 'frame "42"', idempotency_window_seconds => 3600, retry_policy => '{"max_retries": 0, "retry_delay": {"initial": 0.1}}',
                visibility_timeout_seconds => 60, max_processing_seconds => 600, progress_timeout_seconds => 80, expires_after_seconds => 90, labels => '{"b": "\u00fc", "a": "\""}',
                traceparent => '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
            )"#,
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let as_json = r#"{"event_type":"frame.render","payload":{"frame": 42},"queue":"night","priority":2,
        "run_at":"2030-01-01T11:00:00.5Z","required_capabilities":["cuda-12","gpu"],"required_memory_mb":512,
        "engine_version":">=1.4, <2","scenario_run_id":"run-1","idempotency_key":"frame \"42\"","idempotency_window_seconds":3600,
        "retry_policy":{"retry_delay":{"initial":1e-1},"max_retries":0},"visibility_timeout_seconds":60,
        "max_processing_seconds":600,"progress_timeout_seconds":80,"expires_after_seconds":90,"labels":{"a":"\"","b":"ü"}}"#;
    let row = client.query_one(ENQUEUE_MANY, &[&format!("[{as_json}]")]).await.unwrap();
    assert_eq!((row.get::<_, Uuid>("event_id"), row.get::<_, bool>("duplicate")), (by_arguments, true));
    let row = client.query_one("select fingerprint from enginehouse.events", &[]).await.unwrap();
    assert_eq!(row.get::<_, Vec<u8>>("fingerprint"), fingerprint::of(&judge(as_json).unwrap()));

    // A null is what is not given.
    let nulls = "select enginehouse.enqueue(
        'a', null, null, null, null, null, null, null, null, null, 'k', null, null, null, null, null, null, null, null
    )";
    client.query_one(nulls, &[]).await.unwrap();
    let row = client.query_one(ENQUEUE_MANY, &[&r#"[{"event_type":"a","idempotency_key":"k"}]"#]).await.unwrap();
    assert!(row.get::<_, bool>("duplicate"));
}

#[tokio::test]
async fn what_a_session_has_set_changes_nothing() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let enqueue = r#"select
        enginehouse.enqueue('a', delay_seconds => 0.123456, idempotency_key => 'd'),
        enginehouse.enqueue('a', run_at => '2030-01-01 12:00:00.5+01', idempotency_key => 'r'),
        enginehouse.enqueue('a', retry_policy => '{"retry_delay":{"initial":0.30000000000000004}}', idempotency_key => 'p')"#;
    let set = "set extra_float_digits = -15; set datestyle = 'SQL, DMY'; set timezone = 'Asia/Kathmandu';
        set intervalstyle = 'sql_standard'; set standard_conforming_strings = off; set search_path = ''";
    client.batch_execute(set).await.unwrap();
    let first = client.query_one(enqueue, &[]).await.unwrap();
    client.batch_execute("reset all").await.unwrap();
    let second = client.query_one(enqueue, &[]).await.unwrap();
    for place in 0..3 {
        assert_eq!(first.get::<_, Uuid>(place), second.get::<_, Uuid>(place));
    }
    let initial = "select retry_policy -> 'retry_delay' ->> 'initial' from enginehouse.events
        where retry_policy is not null";
    let row = client.query_one(initial, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "0.30000000000000004");
}

#[tokio::test]
async fn a_caller_puts_nothing_of_its_own_in_the_place_of_what_is_called() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let traps =
        "create function public.hijacked() returns boolean language plpgsql as $$ begin raise 'hijacked'; end $$;
        create function public.strpos(text, text) returns integer language sql return hijacked()::integer;
        create function public.to_json(text) returns json language sql return hijacked()::text::json;
        create function public.same(text, text) returns boolean language sql return hijacked();
        create operator public.= (function = public.same, leftarg = text, rightarg = text);
        create function public.pg_notify(text, text) returns void language sql as 'select hijacked()';
        create temp table lanes (lane_id bigint); create temp table unnest (place bigint);
        set search_path = public, pg_temp, pg_catalog";
    client.batch_execute(traps).await.unwrap();
    assert!(client.batch_execute("select strpos('a', 'a')").await.is_err(), "the trap works");
    let enqueue = r#"select enginehouse.enqueue('a', required_capabilities => '{x}', labels => '{"a": "b"}')"#;
    client.query_one(enqueue, &[]).await.unwrap();
    client.query_one(ENQUEUE_MANY, &[&r#"[{"event_type":"a","required_capabilities":["x"]}]"#]).await.unwrap();
    client.batch_execute("select enginehouse.wake()").await.unwrap();
}

#[tokio::test]
async fn a_payload_is_given_as_json_as_jsonb_or_as_text() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    for (payload, kept) in [
        ("", "{}"),
        (", null", "{}"),
        (r#", '{"b":1.0, "a":2}'"#, r#"{"b":1.0, "a":2}"#),
        (r#", payload => '{"b":1.0, "a":2}'::json"#, r#"{"b":1.0, "a":2}"#),
        (r#", payload => '{"b":1.0, "a":2}'::text"#, r#"{"b":1.0, "a":2}"#),
        (r#", payload => '{"b":1.0, "a":2}'::jsonb"#, r#"{"a": 2, "b": 1.0}"#),
        (", payload => 'null'::json", "null"),
        (r#", payload => ' "\u0000\u00e9" '"#, r#""\u0000\u00e9""#),
    ] {
        let enqueue = format!("select enginehouse.enqueue('a'{payload}, queue => 'q')");
        let id: Uuid = client.query_one(&enqueue, &[]).await.unwrap().get(0);
        let ask = "select payload::text from enginehouse.event_payloads where event_id = $1";
        assert_eq!(client.query_one(ask, &[&id]).await.unwrap().get::<_, String>(0), kept, "{payload}");
    }
    for broken in ["'{'", r#"'"\ud800"'"#, r#"'["\ud800"]'::json"#] {
        let refused = client.query_one(&format!("select enginehouse.enqueue('a', {broken})"), &[]).await.unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::INVALID_TEXT_REPRESENTATION), "{broken}");
    }
    let both = r#"[{"event_type":"a","payload":"\u0000\u008F"}]"#;
    let refused = client.query(ENQUEUE_MANY, &[&both]).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().message(), r"/events: \u0000 and \u008F cannot both be read");
}

#[tokio::test]
async fn an_event_is_there_on_commit_and_gone_on_rollback() {
    let database = Database::migrated().await;
    let (mut client, other) = (database.connect().await, database.connect().await);
    let tables = ["events", "event_payloads", "lanes", "lane_changes"];
    let transaction = client.transaction().await.unwrap();
    transaction.query_one("select enginehouse.enqueue('a', scenario_run_id => 'run')", &[]).await.unwrap();
    for table in tables {
        assert_eq!(count(&other, table).await, 0, "{table}");
    }
    transaction.commit().await.unwrap();
    for table in tables {
        assert_eq!(count(&other, table).await, 1, "{table}");
    }

    let mut transaction = client.transaction().await.unwrap();
    transaction.query_one("select enginehouse.enqueue('b')", &[]).await.unwrap();
    // A refusal can be survived as any error can: with a savepoint.
    let savepoint = transaction.savepoint("before").await.unwrap();
    savepoint.query_one("select enginehouse.enqueue('c d')", &[]).await.unwrap_err();
    savepoint.rollback().await.unwrap();
    transaction.query_one("select enginehouse.enqueue('e')", &[]).await.unwrap();
    transaction.rollback().await.unwrap();
    for table in tables {
        assert_eq!(count(&other, table).await, 1, "{table}");
    }
}

#[tokio::test]
async fn one_call_makes_one_change_per_lane_and_run() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let events = r#"[{"event_type":"a","delay_seconds":60},{"event_type":"a","delay_seconds":5},{"event_type":"a",
        "scenario_run_id":"r"},{"event_type":"b"},{"event_type":"a","idempotency_key":"k"},
        {"event_type":"a","idempotency_key":"k"}]"#;
    client.query(ENQUEUE_MANY, &[&events]).await.unwrap();
    let changes = client
        .query(
            "select event_type, scenario_run_id, c.queued,
                 extract(epoch from first_available_at - first_enqueued_at)::integer as wait
             from enginehouse.lane_changes as c
             join enginehouse.lanes as l using (lane_id)
             where c.changed_by = l.changed_by
             order by event_type, scenario_run_id",
            &[],
        )
        .await
        .unwrap();
    let change = |row: &Row| {
        let run = row.get::<_, Option<String>>("scenario_run_id").unwrap_or_default();
        format!("{} {run} {} {}", row.get::<_, String>(0), row.get::<_, i64>("queued"), row.get::<_, i32>("wait"))
    };
    assert_eq!(changes.iter().map(change).collect::<Vec<_>>(), ["a r 1 0", "a  3 0", "b  1 0"]);
}

#[tokio::test]
async fn a_key_gives_one_event_however_two_transactions_meet() {
    let database = Database::migrated().await;
    let (mut first, observer) = (database.connect().await, database.connect().await);
    // So that the two meet at the key, and not before at the lane.
    observer.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => $1)";
    // As a server does it.
    let insert = "insert into enginehouse.events (
            event_id, lane_id, enqueued_at, available_at, idempotency_key, fingerprint
        )
        values (gen_random_uuid(), 1, now(), now(), $1::text, $2)
        returning event_id";
    for (key, by_server, commits) in [("a", false, true), ("b", false, false), ("c", true, false), ("d", true, true)] {
        let transaction = first.transaction().await.unwrap();
        let there: Uuid = if by_server {
            let event = judge(&format!(r#"{{"event_type":"a","idempotency_key":"{key}"}}"#)).unwrap();
            transaction.query_one(insert, &[&key, &fingerprint::of(&event).to_vec()]).await.unwrap().get(0)
        } else {
            transaction.query_one(enqueue, &[&key]).await.unwrap().get(0)
        };
        let second = database.connect().await;
        let racing = tokio::spawn(async move { second.query_one(enqueue, &[&key]).await.unwrap().get::<_, Uuid>(0) });
        Wait::until_somebody_waits_for_a_lock(&observer).await;
        if commits {
            transaction.commit().await.unwrap();
            assert_eq!(racing.await.unwrap(), there, "{key}");
        } else {
            transaction.rollback().await.unwrap();
            assert_ne!(racing.await.unwrap(), there, "{key}");
        }
        let kept = "select count(*) from enginehouse.events where idempotency_key = $1";
        assert_eq!(observer.query_one(kept, &[&key]).await.unwrap().get::<_, i64>(0), 1, "{key}");
    }
    let orphans = "select count(*) from enginehouse.event_payloads as p
        where not exists (select from enginehouse.events as e where e.event_id = p.event_id)";
    assert_eq!(observer.query_one(orphans, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn an_event_that_a_repeat_was_told_of_is_not_deleted_before_that_transaction_ends() {
    let database = Database::migrated().await;
    let (mut client, other) = (database.connect().await, database.connect().await);
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => 'k')";
    let first: Uuid = client.query_one(enqueue, &[]).await.unwrap().get(0);
    let transaction = client.transaction().await.unwrap();
    assert_eq!(transaction.query_one(enqueue, &[]).await.unwrap().get::<_, Uuid>(0), first);
    let delete = "set lock_timeout = '20ms'; delete from enginehouse.events";
    let refused = other.batch_execute(delete).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::LOCK_NOT_AVAILABLE));
    // A claim changes the row as well, and waits for nobody.
    other.batch_execute("update enginehouse.events set retries = 1").await.unwrap();
    transaction.commit().await.unwrap();
    other.batch_execute("delete from enginehouse.events").await.unwrap();
}

#[tokio::test]
async fn a_repeat_waits_for_the_standby_as_the_first_answer_did() {
    let primary = Cluster::start_with(&[("fsync", "on")]);
    let database = primary.create_database();
    let standby = Cluster::standby_of(&primary, true);
    let connect = async || {
        let (client, connection) = tokio_postgres::connect(&database, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let (mut client, observer) = (connect().await, connect().await);
    migrate_postgres(&mut client, &SchemaName::default()).await.unwrap();
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => 'k')";
    let first: Uuid = client.query_one(enqueue, &[]).await.unwrap().get(0);
    standby.kill();
    let repeating = tokio::spawn(async move { client.query_one(enqueue, &[]).await.unwrap().get::<_, Uuid>(0) });
    Wait::until_somebody_waits(&observer, "wait_event = 'SyncRep'").await;
    assert!(!repeating.is_finished(), "answered, and on the primary's disk only");
    standby.start_again();
    assert_eq!(repeating.await.unwrap(), first);
}

#[tokio::test]
async fn many_transactions_that_share_keys_add_each_event_once() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let event = |place: usize| format!(r#"{{"event_type":"t-{}","idempotency_key":"{place}"}}"#, place % 5);
    let mut racing = tokio::task::JoinSet::new();
    for racer in 0..8_usize {
        let client = database.connect().await;
        // Each in an order of its own.
        let events =
            format!("[{}]", (0..200).map(|place| event(place * (2 * racer + 3) % 200)).collect::<Vec<_>>().join(","));
        racing.spawn(async move {
            let rows = client.query(ENQUEUE_MANY, &[&events]).await.unwrap();
            rows.iter().filter(|row| !row.get::<_, bool>("duplicate")).count()
        });
    }
    let added: usize = racing.join_all().await.into_iter().sum();
    let distinct: i64 =
        client.query_one("select count(distinct idempotency_key) from enginehouse.events", &[]).await.unwrap().get(0);
    let kept = count(&client, "events").await;
    assert_eq!((usize::try_from(kept).unwrap(), distinct), (added, kept));
    assert_eq!((count(&client, "event_payloads").await, count(&client, "lanes").await), (kept, 5));
}

#[tokio::test]
async fn a_key_of_another_request_is_refused_and_its_event_named() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => 'k')";
    let there: Uuid = client.query_one(enqueue, &[]).await.unwrap().get(0);
    let events = r#"[{"event_type":"b"},{"event_type":"a","idempotency_key":"k","priority":1}]"#;
    let refused = client.query(ENQUEUE_MANY, &[&events]).await.unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(refused.code().code(), "23I01");
    assert_eq!(refused.constraint(), Some("events_idempotency_key"));
    assert_eq!(refused.detail(), Some(there.to_string().as_str()));
    assert_eq!(
        refused.message(),
        format!("/events/1/idempotency_key: another request has added event {there} with the key \"k\"")
    );
    assert_eq!(count(&client, "events").await, 1, "all or nothing");

    // Within one call as well.
    let events = r#"[{"event_type":"a","idempotency_key":"l"},{"event_type":"b","idempotency_key":"l"}]"#;
    let refused = client.query(ENQUEUE_MANY, &[&events]).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "23I01");
    let events = r#"[{"event_type":"a","idempotency_key":"l"},{"event_type":"a","idempotency_key":"k"},
        {"event_type":"a"},{"event_type":"a","idempotency_key":"l"}]"#;
    let rows = client.query(ENQUEUE_MANY, &[&events]).await.unwrap();
    let duplicates: Vec<bool> = rows.iter().map(|row| row.get("duplicate")).collect();
    assert_eq!(duplicates, [false, true, false, true]);
    assert_eq!(rows[0].get::<_, Uuid>("event_id"), rows[3].get::<_, Uuid>("event_id"));
    assert_eq!(rows[1].get::<_, Uuid>("event_id"), there);
    assert_eq!((count(&client, "events").await, count(&client, "event_payloads").await), (3, 3));
}

#[tokio::test]
async fn every_key_of_another_request_is_named_at_once() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let keyed = |key: usize, event_type: &str| format!(r#"{{"event_type":"{event_type}","idempotency_key":"k{key}"}}"#);
    let all = |count: usize, event_type: &str| {
        format!("[{}]", (0..count).map(|key| keyed(key, event_type)).collect::<Vec<_>>().join(","))
    };
    let there = client.query(ENQUEUE_MANY, &[&all(150, "a")]).await.unwrap();
    let there: Vec<Uuid> = there.iter().map(|row| row.get("event_id")).collect();
    let events = format!("[{},{},{}]", keyed(0, "b"), keyed(1, "a"), keyed(2, "b"));
    let refused = client.query(ENQUEUE_MANY, &[&events]).await.unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(
        refused.message(),
        format!(
            "/events/0/idempotency_key: another request has added event {} with the key \"k0\"; \
             /events/2/idempotency_key: another request has added event {} with the key \"k2\"",
            there[0], there[2]
        )
    );
    assert_eq!(refused.detail(), Some(&*format!("{}, {}", there[0], there[2])));
    let refused = client.query(ENQUEUE_MANY, &[&all(150, "b")]).await.unwrap_err();
    let message = refused.as_db_error().unwrap().message();
    assert!(message.contains("/events/99/idempotency_key") && !message.contains("/events/100/"), "{message}");
    assert!(message.ends_with("; and so on: 150 keys are taken"), "{message}");
}

/// Moves the enqueue of all events, and with it their windows, so many seconds into the past.
async fn grow_older(client: &Client, seconds: f64) {
    let older = "update enginehouse.events set
        enqueued_at = enqueued_at - $1 * interval '1 second',
        idempotency_key_expires_at = idempotency_key_expires_at - $1 * interval '1 second'";
    client.execute(older, &[&seconds]).await.unwrap();
}

#[tokio::test]
async fn a_key_makes_a_new_event_once_its_window_is_over() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => 'k', idempotency_window_seconds => 3600)";
    let ask = async || client.query_one(enqueue, &[]).await.unwrap().get::<_, Uuid>(0);
    let first = ask().await;
    assert_eq!(ask().await, first);
    grow_older(&client, 3_500.0).await;
    assert_eq!(ask().await, first);
    grow_older(&client, 100.0).await;
    let second = ask().await;
    assert_ne!(second, first);
    assert_eq!(ask().await, second, "the new event guards its key as the old one did");
    let old = "select idempotency_key is null and fingerprint is null and idempotency_key_expires_at is null
            and status = 'queued'
        from enginehouse.events where event_id = $1";
    assert!(client.query_one(old, &[&first]).await.unwrap().get::<_, bool>(0), "the old one keeps all but its key");
    // Another request may have it then, and a whole batch is refused with all that it would have taken over.
    grow_older(&client, 3_600.0).await;
    let forever = client.query_one("select enginehouse.enqueue('a', idempotency_key => 'f')", &[]).await.unwrap();
    let events = r#"[{"event_type":"b","idempotency_key":"k"},{"event_type":"b","idempotency_key":"f"}]"#;
    let refused = client.query(ENQUEUE_MANY, &[&events]).await.unwrap_err();
    let forever: Uuid = forever.get(0);
    assert_eq!(refused.as_db_error().unwrap().detail(), Some(&*forever.to_string()));
    let kept = "select event_id from enginehouse.events where idempotency_key = 'k'";
    assert_eq!(client.query_one(kept, &[]).await.unwrap().get::<_, Uuid>(0), second);
    let rows = client.query(ENQUEUE_MANY, &[&r#"[{"event_type":"b","idempotency_key":"k"}]"#]).await.unwrap();
    assert!(!rows[0].get::<_, bool>("duplicate"));
    grow_older(&client, 1e8).await;
    let rows = client.query(ENQUEUE_MANY, &[&r#"[{"event_type":"b","idempotency_key":"k"}]"#]).await.unwrap();
    assert!(rows[0].get::<_, bool>("duplicate"), "without a window it holds as long as its event is kept");
}

#[tokio::test]
async fn an_expired_key_gives_one_event_however_two_transactions_meet() {
    let database = Database::migrated().await;
    let (mut first, observer) = (database.connect().await, database.connect().await);
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => $1, idempotency_window_seconds => 60)";
    // As a server does it: it has read whose the key is, and takes it from that event.
    let release = include_str!("../src/postgres/sql/release_idempotency_keys.sql");
    let insert = "insert into enginehouse.events (
            event_id, lane_id, enqueued_at, available_at, idempotency_key, idempotency_key_expires_at, fingerprint
        )
        select gen_random_uuid(), 1, now(), now(), $1::text, now() + interval '60 seconds', $2
        returning event_id";
    for (key, by_server, commits) in [("a", false, true), ("b", false, false), ("c", true, true), ("d", true, false)] {
        let old: Uuid = observer.query_one(enqueue, &[&key]).await.unwrap().get(0);
        grow_older(&observer, 60.0).await;
        let draft = format!(r#"{{"event_type":"a","idempotency_key":"{key}","idempotency_window_seconds":60}}"#);
        let fingerprint = fingerprint::of(&judge(&draft).unwrap()).to_vec();
        let transaction = first.transaction().await.unwrap();
        let new: Uuid = if by_server {
            transaction.execute(release, &[&vec![old]]).await.unwrap();
            transaction.query_one(insert, &[&key, &fingerprint]).await.unwrap().get(0)
        } else {
            transaction.query_one(enqueue, &[&key]).await.unwrap().get(0)
        };
        assert_ne!(new, old);
        let second = database.connect().await;
        let racing = tokio::spawn(async move { second.query_one(enqueue, &[&key]).await.unwrap().get::<_, Uuid>(0) });
        Wait::until_somebody_waits_for_a_lock(&observer).await;
        if commits {
            transaction.commit().await.unwrap();
            assert_eq!(racing.await.unwrap(), new);
        } else {
            transaction.rollback().await.unwrap();
            let raced = racing.await.unwrap();
            assert!(raced != new && raced != old);
        }
        let kept = "select count(*) from enginehouse.events where idempotency_key = $1";
        assert_eq!(observer.query_one(kept, &[&key]).await.unwrap().get::<_, i64>(0), 1, "{key}");
    }
    // And a server that comes second does not add another one: it looks again.
    let old: Uuid = observer.query_one(enqueue, &[&"e"]).await.unwrap().get(0);
    grow_older(&observer, 60.0).await;
    let transaction = first.transaction().await.unwrap();
    transaction.query_one(enqueue, &[&"e"]).await.unwrap();
    let second = database.connect().await;
    let racing = tokio::spawn(async move {
        second.batch_execute("begin").await.unwrap();
        assert_eq!(second.execute(release, &[&vec![old]]).await.unwrap(), 0, "it was taken before");
        second.query_one(insert, &[&"e", &vec![0_u8; 16]]).await.unwrap_err()
    });
    Wait::until_somebody_waits_for_a_lock(&observer).await;
    transaction.commit().await.unwrap();
    assert_eq!(racing.await.unwrap().code(), Some(&SqlState::UNIQUE_VIOLATION));
}

/// A transaction that was open for longer than its window commits a key that is over already, while another waits for it.
#[tokio::test]
async fn a_key_that_is_over_when_it_is_committed_is_taken_over_at_once() {
    let database = Database::migrated().await;
    let (mut first, observer) = (database.connect().await, database.connect().await);
    let enqueue = "select enginehouse.enqueue('a', idempotency_key => 'k', idempotency_window_seconds => 60)";
    observer.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
    let transaction = first.transaction().await.unwrap();
    let late: Uuid = transaction.query_one(enqueue, &[]).await.unwrap().get(0);
    let older = "update enginehouse.events set idempotency_key_expires_at = enqueued_at where idempotency_key = 'k'";
    transaction.execute(older, &[]).await.unwrap();
    let second = database.connect().await;
    let racing = tokio::spawn(async move { second.query_one(enqueue, &[]).await.unwrap().get::<_, Uuid>(0) });
    Wait::until_somebody_waits_for_a_lock(&observer).await;
    transaction.commit().await.unwrap();
    let raced = racing.await.unwrap();
    assert_ne!(raced, late);
    let kept = "select event_id from enginehouse.events where idempotency_key = 'k'";
    assert_eq!(observer.query_one(kept, &[]).await.unwrap().get::<_, Uuid>(0), raced);
}

#[tokio::test]
async fn ten_thousand_events_are_added_at_once_in_their_order() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let event = |place: usize| {
        let key = if place.is_multiple_of(2) { format!(r#","idempotency_key":"{place}""#) } else { String::new() };
        format!(r#"{{"event_type":"a","queue":"q-{}","payload":{{"place":{place}}}{key}}}"#, place % 7)
    };
    let events = |count| format!("[{}]", (0..count).map(event).collect::<Vec<_>>().join(","));
    let rows = client.query(ENQUEUE_MANY, &[&events(10_000)]).await.unwrap();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get("event_id")).collect();
    assert!(ids.is_sorted_by(|one, next| one < next));
    assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    let places = "select payload ->> 'place' from enginehouse.event_payloads order by event_id";
    let places = client.query(places, &[]).await.unwrap();
    assert!(places.iter().enumerate().all(|(place, row)| row.get::<_, String>(0) == place.to_string()));
    assert_eq!(count(&client, "lane_changes").await, 7);

    let again = client.query(ENQUEUE_MANY, &[&events(10_000)]).await.unwrap();
    assert_eq!(again.iter().filter(|row| row.get("duplicate")).count(), 5_000);
    assert_eq!((count(&client, "events").await, count(&client, "event_payloads").await), (15_000, 15_000));
    let refused = client.query(ENQUEUE_MANY, &[&events(10_001)]).await.unwrap_err();
    assert_eq!(
        refused.as_db_error().unwrap().message(),
        "/events: must be an array of 1 to 10000, was an array of 10001"
    );
}

#[tokio::test]
async fn ids_rise_from_call_to_call_of_a_session() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let mut last = Uuid::nil();
    for _ in 0..200 {
        let id: Uuid = client.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap().get(0);
        assert!(id > last);
        last = id;
    }
}

#[tokio::test]
async fn a_lane_that_two_transactions_make_at_once_is_one_lane() {
    let database = Database::migrated().await;
    let (mut first, observer) = (database.connect().await, database.connect().await);
    for (event_type, commits) in [("a", true), ("b", false)] {
        let transaction = first.transaction().await.unwrap();
        transaction.query_one("select enginehouse.enqueue($1)", &[&event_type]).await.unwrap();
        let second = database.connect().await;
        let racing =
            tokio::spawn(async move { second.query_one("select enginehouse.enqueue($1)", &[&event_type]).await });
        Wait::until_somebody_waits_for_a_lock(&observer).await;
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        racing.await.unwrap().unwrap();
        let lanes = "select count(*), count(distinct lane_id)
            from enginehouse.events join enginehouse.lanes using (lane_id)
            where event_type = $1";
        let row = observer.query_one(lanes, &[&event_type]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1 + i64::from(commits), 1), "{event_type}");
    }
}

#[tokio::test]
async fn a_retired_lane_is_used_again_and_seen_by_servers() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    client.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
    let retire = "update enginehouse.lanes
        set retired = true, prunable_by = pg_snapshot_xmax(pg_current_snapshot())";
    client.batch_execute(retire).await.unwrap();
    client.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
    let lanes = "select l.retired, l.prunable_by is null, c.queued
        from enginehouse.lanes as l
        join enginehouse.lane_changes as c on c.lane_id = l.lane_id and c.changed_by = l.changed_by";
    let row = client.query_one(lanes, &[]).await.unwrap();
    assert_eq!((row.get::<_, bool>(0), row.get::<_, bool>(1), row.get::<_, i64>(2)), (false, true, 1));
    assert_eq!((count(&client, "lanes").await, count(&client, "lane_changes").await), (1, 2));
}

#[tokio::test]
async fn a_lane_that_is_forgotten_meanwhile_is_made_again() {
    let database = Database::migrated().await;
    let (mut first, observer) = (database.connect().await, database.connect().await);
    observer.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
    observer
        .batch_execute("delete from enginehouse.events; update enginehouse.lanes set retired = true")
        .await
        .unwrap();
    let transaction = first.transaction().await.unwrap();
    transaction.batch_execute("delete from enginehouse.lanes where retired").await.unwrap();
    let second = database.connect().await;
    let racing = tokio::spawn(async move { second.query_one("select enginehouse.enqueue('a')", &[]).await });
    Wait::until_somebody_waits_for_a_lock(&observer).await;
    transaction.commit().await.unwrap();
    racing.await.unwrap().unwrap();
    let lanes = "select count(*) from enginehouse.events join enginehouse.lanes using (lane_id) where not retired";
    assert_eq!(observer.query_one(lanes, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_transaction_with_an_old_view_never_uses_a_lane_that_is_gone() {
    let database = Database::migrated().await;
    let (mut client, other) = (database.connect().await, database.connect().await);
    for level in [IsolationLevel::RepeatableRead, IsolationLevel::Serializable] {
        other.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
        let transaction = client.build_transaction().isolation_level(level).start().await.unwrap();
        transaction.query_one("select count(*) from enginehouse.lanes", &[]).await.unwrap();
        other.batch_execute("delete from enginehouse.events; delete from enginehouse.lanes").await.unwrap();
        transaction.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
        transaction.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
        transaction.commit().await.unwrap();
        let lanes = "select count(*) from enginehouse.events join enginehouse.lanes using (lane_id)";
        assert_eq!(other.query_one(lanes, &[]).await.unwrap().get::<_, i64>(0), 2);
        assert_eq!(count(&other, "lanes").await, 1);

        let transaction = client.build_transaction().isolation_level(level).start().await.unwrap();
        transaction.query_one("select count(*) from enginehouse.lanes", &[]).await.unwrap();
        other.batch_execute("update enginehouse.lanes set retired = true").await.unwrap();
        let refused = transaction.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    }
}

#[tokio::test]
async fn no_event_is_earlier_than_a_server_has_been() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let ahead = 4_000_000_000_123_i64;
    client.execute("update enginehouse.meta set value = $1 where key = 'last_time'", &[&ahead]).await.unwrap();
    let enqueue = "select enginehouse.enqueue('a', run_at => now(), idempotency_key => 'k')";
    let id: Uuid = client.query_one(enqueue, &[]).await.unwrap().get(0);
    let times = "select
            (extract(epoch from enqueued_at) * 1000)::bigint, (extract(epoch from available_at) * 1000)::bigint
        from enginehouse.events";
    let row = client.query_one(times, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (ahead, ahead));
    assert_eq!(id.get_timestamp().unwrap().to_unix(), (4_000_000_000, 123_000_000));
}

#[tokio::test]
async fn wake_notifies_the_channel_of_the_schema() {
    for name in ["enginehouse", "enginehouse_2", "it's my \"Queue\"", &"ä".repeat(31)] {
        let schema: SchemaName = name.parse().unwrap();
        let database = Database::migrated_in(&schema).await;
        let (client, mut notified) = database.listen(&format!("enginehouse:{name}")).await;
        let schema = schema.quoted();
        client.query_one(&format!("select {schema}.enqueue('a', idempotency_key => 'k')"), &[]).await.unwrap();
        let refused = format!("select {schema}.enqueue('b', idempotency_key => 'k')");
        assert_eq!(client.query_one(&refused, &[]).await.unwrap_err().code().unwrap().code(), "23I01");
        client.batch_execute(&format!("select {schema}.wake()")).await.unwrap();
        assert!(format!("enginehouse:{name}").starts_with(&Wait::next(&mut notified).await));
    }
}

#[tokio::test]
async fn the_migration_can_be_taken_back_and_made_again() {
    let database = Database::migrated().await;
    let mut client = database.connect().await;
    let id: Uuid = client.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap().get(0);
    let schema = SchemaName::default();
    revert_postgres(&mut client, &schema, 1, false).await.unwrap();
    let left = "select string_agg(proname, ' ' order by proname) from pg_proc
        where pronamespace = 'enginehouse'::regnamespace";
    let left: String = client.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, "as_count decayed is_name is_one_line is_version_range", "the rules of the tables");
    assert_eq!(count(&client, "schema_version").await, 1);
    migrate_postgres(&mut client, &schema).await.unwrap();
    client.query_one("select enginehouse.enqueue('a')", &[]).await.unwrap();
    let kept = "select count(*) from enginehouse.event_overview where event_id = $1 and payload is not null";
    assert_eq!(client.query_one(kept, &[&id]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn the_documented_grants_are_enough_and_no_more() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    // Roles are the server's, not the database's: one that is no other test's.
    let role: String = client.query_one("select current_database() || '_app'", &[]).await.unwrap().get(0);
    client.batch_execute(&format!("create role {role}")).await.unwrap();
    let page = include_str!("../../../docs/transactional-enqueue.md");
    let grants = page.split("```sql\n").find(|block| block.starts_with("grant ")).expect("a block of grants");
    let grants = grants.split("```").next().unwrap_or_default();
    let refused = |result: Result<(), tokio_postgres::Error>, what: &str| {
        assert_eq!(result.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{what}");
    };
    client.batch_execute(&format!("grant usage on schema enginehouse to {role}; set role {role}")).await.unwrap();
    for call in ["enqueue('a')", "enqueue_many('[]')", "wake()"] {
        refused(client.batch_execute(&format!("select enginehouse.{call}")).await, call);
    }
    client.batch_execute("reset role").await.unwrap();
    client.batch_execute(&grants.replace(" to app;", &format!(" to {role};"))).await.unwrap();
    client.batch_execute(&format!("set role {role}")).await.unwrap();
    for isolation in ["read committed", "repeatable read"] {
        client.batch_execute(&format!("set default_transaction_isolation = '{isolation}'")).await.unwrap();
        client.query_one("select enginehouse.enqueue('a', idempotency_key => 'k')", &[]).await.unwrap();
        client.batch_execute("reset role; update enginehouse.lanes set retired = true").await.unwrap();
        client.batch_execute(&format!("set role {role}")).await.unwrap();
        client.query(ENQUEUE_MANY, &[&r#"[{"event_type":"a"},{"event_type":"b"}]"#]).await.unwrap();
    }
    client.batch_execute("select enginehouse.wake()").await.unwrap();
    let tables = "select relname from pg_class where relnamespace = 'enginehouse'::regnamespace and relkind = 'r'";
    let tables = client.query(tables, &[]).await.unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let table: String = table.get(0);
        refused(client.batch_execute(&format!("select from enginehouse.{table}")).await, &table);
        refused(client.batch_execute(&format!("delete from enginehouse.{table}")).await, &table);
        refused(client.batch_execute(&format!("insert into enginehouse.{table} default values")).await, &table);
    }
    refused(client.batch_execute("select from enginehouse.event_overview").await, "event_overview");
    // What the functions call has no more rights than its caller.
    let draft = "row('a','{}','q',5,null,null,'{}',null,null,null,null,null,null,null,null,null,null,'{}',null)::enginehouse.event_draft";
    let inner = format!("select enginehouse.add_events(array[{draft}], array['{{\"event_type\":\"a\"}}'::json], '')");
    refused(client.batch_execute(&inner).await, &inner);
    client.batch_execute(&format!("reset role; drop owned by {role}; drop role {role}")).await.unwrap();
}

/// Connects as a role of its own, which is no superuser, and may call the functions.
async fn app(database: &Database, client: &Client, name: &str) -> (String, Client) {
    let role: String = client.query_one(&format!("select current_database() || '_{name}'"), &[]).await.unwrap().get(0);
    client
        .batch_execute(&format!(
            "create role {role} login; grant usage on schema enginehouse to {role}; \
             grant execute on all functions in schema enginehouse to {role}"
        ))
        .await
        .unwrap();
    let own = database.connect_as(&role).await;
    (role, own)
}

async fn grant(client: &Client, role: &str, queue: &str, event_type: &str) {
    let sql = "insert into enginehouse.enqueue_grants values ($1, $2, $3, now())";
    client.execute(sql, &[&role, &queue, &event_type]).await.unwrap();
}

/// The message of what was refused for want of a grant, and its hint.
#[track_caller]
fn not_granted(result: Result<Vec<Row>, tokio_postgres::Error>) -> (String, String) {
    let error = result.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code(), &SqlState::INSUFFICIENT_PRIVILEGE, "{error}");
    (error.message().to_owned(), error.hint().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_role_enqueues_what_it_was_granted_and_nothing_else() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let (role, own) = app(&database, &client, "shop").await;
    let enqueue = async |queue: &str, event_type: &str| {
        own.query("select enginehouse.enqueue($1, queue => $2)", &[&event_type, &queue]).await
    };
    let (message, hint) = not_granted(enqueue("shop.a", "order.ship").await);
    assert_eq!(message, format!("database role {role} may not enqueue events of type order.ship in queue shop.a"));
    assert!(
        hint.ends_with(&format!("enginehouse sql grant {role} --queue shop.a --event-type order.ship --store URL")),
        "{hint}"
    );

    grant(&client, &role, "shop.*", "order.*").await;
    grant(&client, &role, "audit", "*").await;
    for (queue, event_type) in [("shop.a", "order.ship"), ("audit", "anything")] {
        enqueue(queue, event_type).await.unwrap();
    }
    for (queue, event_type) in
        [("shop", "order.ship"), ("shop.a", "orders"), ("audit.x", "order.ship"), ("default", "x")]
    {
        not_granted(enqueue(queue, event_type).await);
    }
    // All or none; and what is refused leaves nothing behind, a key neither.
    let many = r#"[{"event_type":"order.a","queue":"shop.a","idempotency_key":"k"},{"event_type":"order.b"}]"#;
    let (message, _) = not_granted(own.query(ENQUEUE_MANY, &[&many]).await);
    assert!(message.ends_with("of type order.b in queue default"), "{message}");
    own.batch_execute("begin; savepoint one").await.unwrap();
    not_granted(enqueue("default", "x").await);
    own.batch_execute("rollback to savepoint one").await.unwrap();
    enqueue("shop.b", "order.ship").await.unwrap();
    own.batch_execute("commit").await.unwrap();
    assert_eq!(count(&client, "events").await, 3);
    assert_eq!(count(&client, "lanes").await, 3);
    // It takes no other role's grants, and gives itself none.
    for sql in [
        "insert into enginehouse.enqueue_grants values (session_user, '*', '*', now())",
        "select from enginehouse.enqueue_grants",
        "select from enginehouse.events",
    ] {
        let refused = own.batch_execute(sql).await.unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
    }
    client.execute("delete from enginehouse.enqueue_grants where queue = 'audit'", &[]).await.unwrap();
    not_granted(enqueue("audit", "anything").await);
    client.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
}

#[tokio::test]
async fn a_role_has_the_grants_of_those_it_inherits_from_and_the_owner_needs_none() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    let ((team, _), (role, own)) = (app(&database, &client, "team").await, app(&database, &client, "member").await);
    grant(&client, &team, "*", "a").await;
    let enqueue = async |event_type: &str| own.query("select enginehouse.enqueue($1)", &[&event_type]).await;
    not_granted(enqueue("a").await);
    client.batch_execute(&format!("grant {team} to {role}")).await.unwrap();
    enqueue("a").await.unwrap();
    not_granted(enqueue("b").await);
    // Whoever may do as the owner does needs none.
    let owner: String = client.query_one("select current_user::text", &[]).await.unwrap().get(0);
    client.batch_execute(&format!("grant {owner} to {role}")).await.unwrap();
    enqueue("b").await.unwrap();
    client.batch_execute(&format!("revoke {owner} from {role}")).await.unwrap();
    not_granted(enqueue("b").await);
    client.query_one("select enginehouse.enqueue('b')", &[]).await.unwrap();
    client.batch_execute(&format!("drop owned by {team}, {role}; drop role {team}, {role}")).await.unwrap();
}

async fn count(client: &Client, table: &str) -> i64 {
    client.query_one(&format!("select count(*) from enginehouse.{table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_lane_past_the_bound_is_refused_in_the_words_of_a_server() {
    let database = Database::migrated().await;
    let client = database.connect().await;
    client.batch_execute("insert into enginehouse.meta (key, value) values ('max_lanes', 2)").await.unwrap();
    for event_type in ["a", "b", "a"] {
        client.query_one("select enginehouse.enqueue($1)", &[&event_type]).await.unwrap();
    }
    let refused = client.query_one("select enginehouse.enqueue('c')", &[]).await.unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(refused.code().code(), "53400");
    assert_eq!(
        refused.message(),
        "max_lanes is 2, and the events of this request would need more lanes than that: among those that there are, \
         event_type varies most, with 2 values"
    );
}
