//! What tells a request from another one with the same idempotency key.
//!
//! A fingerprint is the first 16 bytes of the SHA-256 of these fields, as they were asked for, in this order:
//!
//! 1. `queue`, `event_type`, and `priority` as a digit
//! 2. `required_capabilities` as the JSON array of the sorted set, without spaces
//! 3. `required_memory_mb`, `engine_version`
//! 4. the start: `now`, `at` and the moment, or `after` and the delay, in milliseconds; a part of one is cut from a
//!    moment, and counts as a whole one of a delay
//! 5. `scenario_run_id`
//! 6. `max_retries`, the delay's `initial`, `max`, `multiplier` and `jitter`, `dead_letter_threshold`, `max_losses`, `retry_elsewhere`
//! 7. `visibility_timeout_seconds`, `max_processing_seconds`, `progress_timeout_seconds`, `expires_after_seconds`, `idempotency_window_seconds`
//! 8. `labels` as a JSON object, sorted by key, without spaces
//! 9. `payload` as its canonical text ([`crate::canonical_json`]): a repeat may have its keys in another order
//!
//! A field is its length in bytes, a colon, and its text in UTF-8: `12:frame.render`. One that was not given is `-`, and
//! one that has a default is that default. Whole numbers are decimal; the numbers of a retry delay are the sixteen
//! hexadecimal digits of their IEEE 754 bits, so that no two programs can disagree on how to write them.
//!
//! `traceparent` is not among them: who sends a request again often does so in another span.
//!
//! Producers that enqueue in SQL get theirs from the database, which builds the same text: so the format is part of a
//! migration, and never changes.

use std::fmt::{Display, Write};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::canonical_json::canonical;
use crate::event::{NewEvent, Start};
use crate::retry_elsewhere::RetryElsewhere;
use crate::time::Timestamp;
use crate::version::VersionRequirement;

/// The fingerprint of a request.
pub fn of(event: &NewEvent) -> [u8; 16] {
    let mut fields = HashedFields::default();
    let lane = &event.lane;
    fields.add(&lane.queue);
    fields.add(&lane.event_type);
    fields.add(lane.priority);
    fields.add(list(lane.required_capabilities.iter().map(crate::ids::Capability::as_str)));
    fields.add_if(lane.required_memory_mb);
    fields.add_if(lane.engine_version.as_ref().map(VersionRequirement::as_str));
    match event.start {
        Start::Now => fields.add("now"),
        Start::At(moment) => fields.add(format_args!("at {}", moment.as_millis())),
        // Added to a moment, a delay has the precision of one.
        Start::After(wait) => fields.add(format_args!("after {}", (Timestamp::MIN + wait).as_millis())),
    }
    fields.add_if(event.scenario_run_id.as_ref());
    let policy = event.overrides.retry_policy.unwrap_or_default();
    let delay = policy.retry_delay.unwrap_or_default();
    fields.add_if(policy.max_retries);
    for number in [delay.initial, delay.max, delay.multiplier, delay.jitter] {
        fields.add_if(number.map(|number| format!("{:016x}", number.to_bits())));
    }
    fields.add_if(policy.dead_letter_threshold);
    fields.add_if(policy.max_losses);
    fields.add_if(policy.retry_elsewhere.map(RetryElsewhere::name));
    fields.add_if(event.overrides.visibility_timeout.as_ref().map(Duration::as_secs));
    fields.add_if(event.overrides.max_processing.as_ref().map(Duration::as_secs));
    fields.add_if(event.overrides.progress_timeout.as_ref().map(Duration::as_secs));
    fields.add_if(event.expires_after.as_ref().map(Duration::as_secs));
    fields.add_if(event.idempotency_window.as_ref().map(Duration::as_secs));
    let labels = event.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    fields.add(serde_json::Value::Object(labels));
    fields.add(canonical(event.payload.as_str()));
    fields.digest()
}

/// A JSON array of names, which need no escapes.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(","))
}

/// The text that is hashed.
#[derive(Default)]
struct HashedFields(String);

impl HashedFields {
    fn add(&mut self, field: impl Display) {
        let field = field.to_string();
        // Writing to a string does not fail.
        let _ = write!(self.0, "{}:{field}", field.len());
    }

    fn add_if(&mut self, field: Option<impl Display>) {
        match field {
            Some(field) => self.add(field),
            None => self.0.push('-'),
        }
    }

    fn digest(&self) -> [u8; 16] {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(self.0.as_bytes())[..16]);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_json;

    fn fingerprint(json: &str) -> [u8; 16] {
        of(&read_json(json.as_bytes(), NewEvent::read).unwrap())
    }

    #[test]
    fn the_format_is_as_described() {
        let digest_of = |text: &str| HashedFields(text.to_owned()).digest();
        assert_eq!(
            fingerprint(r#"{"event_type":"frame.render"}"#),
            digest_of("7:default12:frame.render1:52:[]--3:now--------------2:{}2:{}")
        );
        assert_eq!(
            fingerprint(
                r#"{"event_type":"a","queue":"q","priority":0,"delay_seconds":1.5,"required_capabilities":["y","x"],
                    "required_memory_mb":512,"engine_version":">=1","scenario_run_id":"run","payload":[1, "é"],
                    "idempotency_key":"k","idempotency_window_seconds":3600,
                    "retry_policy":{"max_retries":1,"retry_delay":{"initial":-0,"max":0.5,"multiplier":2,"jitter":1},
                                    "dead_letter_threshold":2,"max_losses":3,"retry_elsewhere":"off"},
                    "visibility_timeout_seconds":60,"max_processing_seconds":600,"progress_timeout_seconds":80,"expires_after_seconds":90,"labels":{"b":"\"","a":"ü"}}"#
            ),
            digest_of(concat!(
                "1:q1:a1:09:[\"x\",\"y\"]3:5123:>=110:after 15003:run",
                "1:116:800000000000000016:3fe000000000000016:400000000000000016:3ff0000000000000",
                "1:21:33:off2:603:6002:802:904:360019:{\"a\":\"ü\",\"b\":\"\\\"\"}8:[1,\"é\"]"
            ))
        );
    }

    #[test]
    fn a_repeat_in_other_bytes_is_the_same_request() {
        let first = fingerprint(r#"{"event_type":"a","payload":{"a":1,"b":"é/"},"labels":{"x":"1","y":"2"}}"#);
        let again = r#"{ "labels": {"y":"2","x":"1"}, "payload": { "b" : "\u00e9\/", "a" : 1 }, "event_type": "a" }"#;
        assert_eq!(fingerprint(again), first);
        for other in [r#"{"a":1.0,"b":"é/"}"#, r#"{"a":"1","b":"é/"}"#, r#"{"a":1,"b":"e/"}"#, r#"{"a":1}"#] {
            assert_ne!(fingerprint(&format!(r#"{{"event_type":"a","payload":{other}}}"#)), first, "{other}");
        }
    }

    #[test]
    fn a_repeat_in_another_span_is_the_same_request() {
        let of_span = |span: &str| fingerprint(&format!(r#"{{"event_type":"a"{span}}}"#));
        let first = of_span(r#","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01""#);
        assert_eq!(first, of_span(r#","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01""#));
        assert_eq!(first, of_span(""));
    }

    #[test]
    fn a_start_has_milliseconds() {
        let start = |start: &str| fingerprint(&format!(r#"{{"event_type":"a",{start}}}"#));
        assert_eq!(start(r#""delay_seconds":0.0015"#), start(r#""delay_seconds":0.002"#));
        assert_eq!(
            start(r#""run_at":"2026-11-23T10:00:00.0019Z""#),
            start(r#""run_at":"2026-11-23T11:00:00.001+01:00""#)
        );
        assert_ne!(start(r#""delay_seconds":0"#), start(r#""delay_seconds":null"#));
    }
}
