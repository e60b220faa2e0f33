use enginehouse_core::event::EventDraft;
use enginehouse_core::json::RawJson;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::claims::ExchangeRequest;
use crate::engines::RegisterRequest;
use crate::enqueue::BatchRequest;
use crate::settle::SettleRequest;

/// What is wrong with a body: `pointer: detail`, one per line.
fn wrong<T: DeserializeOwned>(body: &str) -> String {
    match parse::<T>(body.as_bytes()) {
        Ok(_) => "nothing".to_owned(),
        Err(ParseProblem::Malformed(why)) => format!("malformed: {why}"),
        Err(ParseProblem::Invalid(invalid)) => {
            let lines: Vec<_> =
                invalid.errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
            lines.join("\n")
        }
    }
}

fn pointers<T: DeserializeOwned>(body: &str) -> Vec<String> {
    wrong::<T>(body).lines().map(|line| line.split(':').next().unwrap_or("").to_owned()).collect()
}

#[test]
fn a_body_that_is_not_json_is_named_with_its_place() {
    assert_eq!(wrong::<EventDraft>("{\"event_type\":\n  nope}"), "malformed: expected ident at line 2 column 4");
    assert!(wrong::<EventDraft>("").starts_with("malformed: EOF"));
    assert!(wrong::<EventDraft>(r#"{"event_type":"a"} x"#).starts_with("malformed: trailing characters"));
    assert!(matches!(parse::<EventDraft>(b"\"\xff\""), Err(ParseProblem::Malformed(_))));
}

#[test]
fn every_bad_field_is_named_at_itself() {
    assert_eq!(
        wrong::<EventDraft>(r#"{"event_type":7,"prioritty":1,"priority":"high","labels":{"a/b":1},"queue":"q"}"#),
        "/event_type: invalid type: integer `7`, expected a string\n\
         /prioritty: unknown field `prioritty`, expected one of `event_type`, `payload`, `queue`, `priority`, \
         `run_at`, `delay_seconds`, `required_capabilities`, `required_memory_mb`, `engine_version`, \
         `scenario_run_id`, `idempotency_key`, `retry_policy`, `visibility_timeout_seconds`, \
         `max_processing_seconds`, `labels`\n\
         /priority: invalid type: string \"high\", expected i64\n\
         /labels/a~1b: invalid type: integer `1`, expected a string"
    );
}

#[test]
fn a_missing_field_is_named_at_itself() {
    assert_eq!(wrong::<EventDraft>("{}"), "/event_type: required, but missing");
    assert_eq!(
        pointers::<BatchRequest>(r#"{"events":[{"event_type":"a"},{"queue":1}]}"#),
        ["/events/1/queue", "/events/1/event_type"]
    );
}

#[test]
fn a_field_that_was_bad_is_not_called_missing_too() {
    assert_eq!(pointers::<EventDraft>(r#"{"event_type":7}"#), ["/event_type"]);
}

#[test]
fn a_field_given_twice_is_refused() {
    assert_eq!(
        wrong::<EventDraft>(r#"{"event_type":"a","queue":"x","queue":"y","priority":"z"}"#),
        "/queue: given twice\n/priority: invalid type: string \"z\", expected i64"
    );
}

#[test]
fn indices_are_those_of_the_body() {
    assert_eq!(
        pointers::<EventDraft>(r#"{"event_type":"a","required_capabilities":[1,"b",2,"d",3]}"#),
        ["/required_capabilities/0", "/required_capabilities/2", "/required_capabilities/4"]
    );
    assert_eq!(
        pointers::<BatchRequest>(r#"{"events":[1,{"event_type":"a","required_capabilities":["x",1,2]},3]}"#),
        ["/events/0", "/events/1/required_capabilities/1", "/events/1/required_capabilities/2", "/events/2"]
    );
}

#[test]
fn a_body_of_another_shape_is_refused_as_a_whole() {
    assert_eq!(wrong::<BatchRequest>("[]"), ": invalid type: an array, expected an object");
    assert_eq!(wrong::<BatchRequest>("7"), ": invalid type: integer `7`, expected struct BatchRequest");
}

#[test]
fn an_array_is_no_object_however_deep() {
    assert_eq!(
        wrong::<BatchRequest>(r#"{"events":[["a"],{"event_type":"a","retry_policy":[1]}]}"#),
        "/events/0: invalid type: an array, expected an object\n\
         /events/1/retry_policy: invalid type: an array, expected an object"
    );
    assert_eq!(
        pointers::<ExchangeRequest>(r#"{"epoch":1,"claim":[],"heartbeat":[null,[]]}"#),
        ["/claim", "/heartbeat"]
    );
    // In a payload everything goes, and stays.
    let read: BatchRequest = parse(br#"{"events":[{"event_type":"a","payload":[ [1.50] ]}]}"#).unwrap();
    assert_eq!(read.events[0].payload.as_ref().unwrap().as_str(), "[ [1.50] ]");
}

#[test]
fn what_serde_counts_as_syntax_is_named_too() {
    assert_eq!(pointers::<EventDraft>(r#"{"event_type":"a","delay_seconds":1e999}"#), ["/delay_seconds"]);
    let deep = format!(r#"{{"engine_type":"a","metadata":{{"x":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    assert!(wrong::<RegisterRequest>(&deep).ends_with("/0/0/0: recursion limit exceeded"));
}

#[test]
fn metadata_that_keeps_unknown_keys_is_still_read_strictly() {
    assert_eq!(
        pointers::<RegisterRequest>(
            r#"{"engine_type":"a","metadata":{"team":"x","static_config":{"capabilities":"gpu","rack":1,
                "resource_limits":{"max_concurrent_events":-1,"disk":2}},"dynamic_state":7}}"#
        ),
        [
            "/metadata/static_config/capabilities",
            "/metadata/static_config/resource_limits/max_concurrent_events",
            "/metadata/dynamic_state"
        ]
    );
}

#[test]
fn tokens_ids_and_words_are_read_strictly() {
    assert_eq!(
        pointers::<SettleRequest>(
            r#"{"settlements":[{"event_id":"x","lock_token":"1-2","outcome":"done"},
                {"event_id":"0193f2a0-0000-7000-8000-000000000000","lock_token":7,"outcome":"extend"}]}"#
        ),
        ["/settlements/0/event_id", "/settlements/0/lock_token", "/settlements/0/outcome", "/settlements/1/lock_token",]
    );
    assert_eq!(
        pointers::<ExchangeRequest>(r#"{"epoch":"1","claim":{"affinity":"often","limit":-1},"heartbeat":[]}"#),
        ["/epoch", "/claim/affinity", "/claim/limit", "/heartbeat"]
    );
}

#[test]
fn not_more_than_so_many_fields_are_named() {
    let body = format!(r#"{{"events":[{}]}}"#, vec!["1"; 1_000].join(","));
    assert_eq!(pointers::<BatchRequest>(&body).len(), MAX_ROUNDS);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithRaw {
    payload: RawJson,
    #[serde(default)]
    number: Option<u32>,
}

#[test]
fn a_payload_stays_byte_for_byte() {
    let text = r#"{ "b": 1.50, "b": "\u00e9",  "n": 123456789012345678901234567890, "x": 1e999 }"#;
    let read: WithRaw = parse(format!(r#"{{"payload":{text},"number":1}}"#).as_bytes()).unwrap();
    assert_eq!((read.payload.as_str(), read.number), (text, Some(1)));
    // And where another field is bad, the payload is not blamed.
    assert_eq!(pointers::<WithRaw>(&format!(r#"{{"payload":{text},"number":"1"}}"#)), ["/number"]);
}

proptest! {
    /// Whatever is sent, the answer comes, each field is named once, and exactly the bad ones.
    #[test]
    fn exactly_the_bad_elements_are_named(good in proptest::collection::vec(any::<bool>(), 0..60)) {
        let elements: Vec<_> = good.iter().map(|good| if *good { "\"x\"" } else { "{\"y\":[1]}" }).collect();
        let body = format!(r#"{{"event_type":"a","required_capabilities":[ {} ]}}"#, elements.join(" , "));
        let want: Vec<_> = good.iter().enumerate().filter(|(_, good)| !**good)
            .map(|(place, _)| format!("/required_capabilities/{place}")).collect();
        if want.is_empty() {
            prop_assert_eq!(wrong::<EventDraft>(&body), "nothing");
        } else {
            prop_assert_eq!(pointers::<EventDraft>(&body), want);
        }
    }

    #[test]
    fn no_text_brings_it_down(text in "\\PC*") {
        // That an answer comes is all that is asked here.
        drop(parse::<BatchRequest>(text.as_bytes()));
    }

    #[test]
    fn no_json_brings_it_down(fields in proptest::collection::btree_map(
        "event_type|payload|queue|priority|labels|retry_policy|\\PC{0,3}", "1|\"a\"|null|\\[1,\"b\"\\]|\\{\"jitter\":\"x\",\"a\":1\\}", 0..8)) {
        let members: Vec<_> = fields.iter()
            .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap())).collect();
        let body = format!("{{{}}}", members.join(","));
        drop(parse::<EventDraft>(body.as_bytes()));
        drop(parse::<RegisterRequest>(body.as_bytes()));
    }
}
