//! Drafts of events, good and bad, as JSON.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// What may stand in a field: names, words, numbers, and what is next to them.
const STRINGS: &[&str] = &[
    r#""a""#,
    r#""frame.render""#,
    r#""A-z_0:9.""#,
    r#""0""#,
    r#""""#,
    r#"" ""#,
    r#"".a""#,
    r#""-a""#,
    r#""a b""#,
    r#""a/b""#,
    r#""a\n""#,
    r#""a\u0000""#,
    r#""\u0000""#,
    r#""\\u0000""#,
    r#""\u0001""#,
    r#""\u007f""#,
    r#""\u0085""#,
    r#""\u00a0""#,
    r#""é""#,
    r#""\u0061""#,
    r#""\ud83d\ude00""#,
    r#""😀 \" \\ \/ \b""#,
    r#""\ud83d""#,
    r#""\ude00""#,
    r#""\ud83d\ud83d\ude00""#,
    r#""\ud83dA""#,
    r#""\\ud83d""#,
    r#""\\\ud83d""#,
    r#""٣""#,
    r#""K""#,
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "5",
    "9",
    "10",
    "-0",
    "-1",
    "0.0",
    "1.0",
    "1e0",
    "1E+2",
    "0.5",
    "0.30000000000000004",
    "0.1234567890123456789012345678901234567890",
    "2.5e-3",
    "1000",
    "1001",
    "604800",
    "604801",
    "2592000",
    "2592000.0000000001",
    "2592000.000000001",
    "2592001",
    "31622400",
    "31622399.001",
    "31622399.9999999999",
    "31622400.001",
    "1073741824",
    "1073741825",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e-400",
    "-1e-400",
    "4.9e-324",
    "2.4703282292062328e-324",
    "2.4703282292062327e-324",
    "1e308",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "1e309",
    "-1e309",
    "0e999",
    "0.0000000000000000000000000001e330",
    "0.0000000000000000000000000001e337",
    "1e99999999999999999999",
    "0.0e99999999999999999999",
    "1e-99999999999999999999",
    "1.5e00000000000000000001",
];

const OTHERS: &[&str] = &["null", "true", "false", "{}", "[]", "[1]", "[null]", r#"{"a":1}"#, r#"["a"]"#];

const VERSIONS: &[&str] = &[
    "*",
    "x",
    "X",
    " * ",
    "**",
    "*.1",
    "* ,",
    "1",
    "1.",
    "1.2",
    "1.2.3",
    "1.2.3.4",
    "01",
    "1.02",
    "1.2.03",
    "1.*",
    "1.x",
    "1.2.*",
    "1.*.*",
    "1.*.2",
    "1.2.*-a",
    ">=1.4, <2",
    ">= 1.4,<2",
    "> =1",
    "=> 1",
    "==1",
    "~1.2",
    "^1",
    "=1.2.3",
    "^ 1",
    " ^1 ",
    "1 2",
    "1,2",
    "1,",
    ",1",
    "",
    " ",
    "1 ,2",
    "1.2.3-a",
    "1.2.3-",
    "1.2.3-a.b.0",
    "1.2.3-01",
    "1.2.3-0a",
    "1.2.3-0",
    "1.2.3-a..b",
    "1.2.3+01",
    "1.2.3+",
    "1.2.3-a+b.c",
    "1.2.3+a+b",
    "1.2-a",
    "1.2+a",
    "v1",
    "latest",
    "1.2.3-é",
    "1\t",
    "\u{a0}1",
    "18446744073709551615",
    "18446744073709551616",
    "1.99999999999999999999.1",
    "1.2.99999999999999999999",
    "1.2.3-99999999999999999999",
    ">1, *",
    "x, 1",
    "!1",
    "1.2.3 -a",
];

const TRACE_PARENTS: &[&str] = &[
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "cc-00000000000000000000000000000001-0000000000000001-00",
    "fe-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "f0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e473-000f067aa0ba902b7-01",
    "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
    "00-4bf92f3577b34da6a3ce929d0e0e473é-0f067aa0ba902b7-01",
];

const MOMENTS: &[&str] = &[
    "2026-11-23T10:00:00Z",
    "2026-11-23t10:00:00z",
    "2026-11-23 10:00:00Z",
    "2026-11-23T10:00:00.1Z",
    "2026-11-23T10:00:00.123456789Z",
    "2026-11-23T10:00:00.1234567890Z",
    "2026-11-23T10:00:00.Z",
    "2026-11-23T10:00:00,5Z",
    "2026-11-23T10:00:00+01:00",
    "2026-11-23T10:00:00-23:59",
    "2026-11-23T10:00:00+24:00",
    "2026-11-23T10:00:00+01:60",
    "2026-11-23T10:00:00-00:00",
    "2026-11-23T10:00:00+0100",
    "2026-11-23T10:00:00+01",
    "2026-11-23T10:00:00",
    "2026-11-23T10:00Z",
    "2026-11-23",
    "20261123T100000Z",
    "2026-11-23T10:00:00Z[UTC]",
    "2026-02-29T10:00:00Z",
    "2028-02-29T10:00:00Z",
    "2100-02-29T10:00:00Z",
    "2026-04-31T10:00:00Z",
    "2026-00-01T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-01-00T10:00:00Z",
    "2026-01-32T10:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T10:60:00Z",
    "2026-12-31T23:59:60.25Z",
    "2026-11-23T10:00:61Z",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00+00:01",
    "1969-12-31T23:59:59.999Z",
    "1969-12-31T23:59:59.9999Z",
    "1969-12-31T23:59:00-00:01",
    "1968-12-31T23:59:59.9999Z",
    "0000-01-01T00:00:00Z",
    "9999-12-30T22:00:00Z",
    "9999-12-30T22:00:00.0009Z",
    "9999-12-30T22:00:00.001Z",
    "9999-12-30T23:00:00+01:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59+23:59",
    "now",
    "infinity",
    "",
    " 2026-11-23T10:00:00Z",
    "2026-11-23T10:00:00Z\n",
    "+2026-11-23T10:00:00Z",
    "２026-11-23T10:00:00Z",
];

const PAYLOADS: &[&str] = &[
    r#"{ "b": 1.50, "a": "\u00e9",  "n": 123456789012345678901234567890 }"#,
    r#"{"a":1,"b":{"a":1},"a":2}"#,
    r#"{"\u0061":1,"a":2}"#,
    r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
    r#"{"a\u0000":1,"a":2}"#,
    r#"{"a\u0000":1,"a\u0000":2}"#,
    r#"{"\u0000":1,"\u0001":2,"\u0001\u0001":3,"\u0001\u0002":4,"\u0000\u0000":5,"\\u0000":6}"#,
    r#"{"\u0000\u0001":1,"\u0000\u0001":2}"#,
    r#"["\u0000","\u0001\u0000\\u0000\\\u0000\u0001\u0001\u0002"]"#,
    r#"{"a":"\ud800"}"#,
    r#"{"\ud800":1}"#,
    r#"{"a":"\ud83d\ude00\\ud800"}"#,
    r#"{"":1,"":2}"#,
    r#" { "b" : { "d":1, "c":[ 2 ,{"f":"\u00e9\/","e":3} ] } , "a":null,"\ud83d\ude00":1,"\ue000":2,"\uFFFF":3 } "#,
    r#"{"":1}"#,
    r#"{"e":"1e999","a":"{[","b":"}]"}"#,
    r#"{"e":1e999}"#,
    r#"[[[1e309]]]"#,
    r#"[1e-999,0e999,1E308]"#,
    r#"{"a":"1","a ":"2","A":3}"#,
    "[1,2,[3,{}],[]]",
    "1e999",
    "\"1e999\"",
    "{\n\t\"a\"\r: 1 }",
];

/// What SQL refuses although core takes it, as docs/transactional-enqueue.md says: to read it too, SQL would need
/// readers of its own.
const BEYOND_POSTGRESQL: &[&str] = &[
    // Nearer to zero than any double but zero, and core reads it as that.
    "1e-400",
    "1e-999",
    "1e-99999999999999999999",
    "2.4703282292062327e-324",
    "0.0000000000000000000000000000000000000000000000000000000000000000000000000000",
    // A number of a version that has twenty digits.
    "18446744073709551615",
    "1.2.3-99999999999999999999",
    // An offset of sixteen hours or more. No place on earth has one.
    "10:00:00-23:59",
    // In the last millisecond before 1970, which core cuts to 1970.
    "1969-12-31T23:59:59.9999Z",
];

/// Whether a draft has something of that list.
pub(crate) fn is_beyond_postgresql(draft: &str) -> bool {
    BEYOND_POSTGRESQL.iter().any(|beyond| draft.contains(beyond))
}

/// Drafts that each try one thing.
pub(crate) fn table() -> Vec<String> {
    let mut drafts = Vec::new();
    let mut field = |name: &str, value: &str| {
        // A fingerprint is made where there is a key.
        let key = format!(r#","idempotency_key":"k{}""#, drafts.len());
        for key in ["", &key] {
            let key = if name == "idempotency_key" { "" } else { key };
            let first = if name == "event_type" { "" } else { r#""event_type":"a","# };
            drafts.push(format!(r#"{{{first}"{name}":{value}{key}}}"#));
        }
    };
    let any = || STRINGS.iter().chain(NUMBERS).chain(OTHERS);
    for name in [
        "event_type",
        "payload",
        "queue",
        "priority",
        "run_at",
        "delay_seconds",
        "required_capabilities",
        "required_memory_mb",
        "engine_version",
        "scenario_run_id",
        "idempotency_key",
        "idempotency_window_seconds",
        "visibility_timeout_seconds",
        "max_processing_seconds",
        "expires_after_seconds",
        "progress_timeout_seconds",
        "traceparent",
        "unknown",
    ] {
        any().for_each(|value| field(name, value));
    }
    for value in any() {
        field("labels", &format!(r#"{{"a":{value}}}"#));
        field("required_capabilities", &format!(r#"["b",{value},"a","B","b"]"#));
        // What core reads as a struct, it reads from an array as well; HTTP and SQL do not.
        if !value.starts_with('[') {
            field("retry_policy", value);
            for name in
                ["max_retries", "dead_letter_threshold", "max_losses", "retry_delay", "retry_elsewhere", "unknown"]
            {
                field("retry_policy", &format!(r#"{{"{name}":{value}}}"#));
            }
        }
        for name in ["initial", "max", "multiplier", "jitter", "unknown"] {
            field("retry_policy", &format!(r#"{{"max_retries":1,"retry_delay":{{"{name}":{value}}}}}"#));
        }
        field("payload", &format!(r#"[{value}]"#));
    }
    for word in ["prefer", "require", "off", "Off", "preferred", " off", ""] {
        field("retry_policy", &format!(r#"{{"retry_elsewhere":{}}}"#, quoted(word)));
    }
    for value in STRINGS {
        field("labels", &format!(r#"{{{value}:"1","a":"2","Z":"3","a~b":"4"}}"#));
        field("labels", &format!(r#"{{{value}:"1","b":"2","B":"3"}}"#));
        field("payload", &format!(r#"{{{value}:{{}},"a":1}}"#));
    }
    VERSIONS.iter().for_each(|version| field("engine_version", &quoted(version)));
    MOMENTS.iter().for_each(|moment| field("run_at", &quoted(moment)));
    TRACE_PARENTS.iter().for_each(|text| field("traceparent", &quoted(text)));
    PAYLOADS.iter().for_each(|payload| field("payload", payload));
    for depth in [63, 64, 65, 66, 200] {
        field("payload", &format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        field("payload", &format!(r#"{}1{}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth)));
    }
    for size in [262_144, 262_145] {
        field("payload", &format!("\"{}\"", "x".repeat(size - 2)));
        field("payload", &format!("\"{}\"", "é".repeat(size / 2 - 1)));
        field("payload", &format!("\"{}{}\"", r"\u0000", "x".repeat(size - 8)));
    }
    for digits in [249, 300, 308, 309, 310, 400] {
        field("payload", &format!("[1{}]", "0".repeat(digits)));
        field("payload", &format!(r#"{{"a":0.{}1}}"#, "0".repeat(digits)));
        field("payload", &format!("0.{}1e{digits}", "0".repeat(digits)));
        field("delay_seconds", &format!("1{}e-{digits}", "0".repeat(digits)));
    }
    for length in [200, 201, 256, 257] {
        for name in ["event_type", "queue", "scenario_run_id", "idempotency_key"] {
            field(name, &quoted(&"x".repeat(length)));
            field(name, &quoted(&"é".repeat(length)));
        }
        field("labels", &format!(r#"{{"{}":"{}"}}"#, "x".repeat(length - 100), "é".repeat(length)));
        field("labels", &format!(r#"{{"{}":""}}"#, "x".repeat(length)));
    }
    for length in [128, 129] {
        field("engine_version", &quoted(&format!("1{}", " ".repeat(length - 1))));
        field("engine_version", &quoted(&format!("1.2.3-{}", "a".repeat(length - 6))));
    }
    for count in [31, 32, 33, 64, 65] {
        let names = |each: fn(usize) -> String| (0..count).map(each).collect::<Vec<_>>().join(",");
        field("required_capabilities", &format!("[{}]", names(|place| format!("\"c{place}\""))));
        field("required_capabilities", &format!("[{}]", names(|_| "\"c\"".to_owned())));
        field("labels", &format!("{{{}}}", names(|place| format!("\"l{place}\":\"\""))));
        field("engine_version", &quoted(&names(|_| "1".to_owned())));
    }
    drafts.extend(
        [
            "{}",
            "7",
            "null",
            "\"a\"",
            r#"{"event_type":"a"}"#,
            r#" { "event_type" : "a" } "#,
            r#"{"event_type":"a","event_type":"a"}"#,
            r#"{"event_type":"a","\u0071ueue":"q"}"#,
            r#"{"event_type":"a","queue":"q","\u0071ueue":"q"}"#,
            r#"{"event_type":"a","queue":null,"queue":null}"#,
            r#"{"event_type":"a","payload":1,"payload":1}"#,
            r#"{"event_type":"a","Queue":"q"}"#,
            r#"{"event_type":"a","a/b~c":1}"#,
            r#"{"event_type":"a","queue\u0000":"q"}"#,
            r#"{"event_type":"a","labels":{"a":"1","a":"1"}}"#,
            r#"{"event_type":"a","labels":{"a":"1","\u0061":"2"}}"#,
            r#"{"event_type":"a","retry_policy":{"max_retries":1,"max_retries":1}}"#,
            r#"{"event_type":"a","retry_policy":{"retry_delay":{"max":1,"max":1}}}"#,
            r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":60,"max":30}}}"#,
            r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":30,"max":30}}}"#,
            r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":60,"max":"30"}}}"#,
            r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":"60","max":30}}}"#,
            r#"{"event_type":"a","retry_policy":{"retry_delay":{"initial":2592001,"max":30}}}"#,
            r#"{"event_type":"a","idempotency_key":"k","retry_policy":{"retry_delay":{}}}"#,
            r#"{"event_type":"a","idempotency_key":"k","retry_policy":{"retry_delay":{"max":null,"jitter":0.10}}}"#,
            r#"{"event_type":"a","idempotency_window_seconds":60}"#,
            r#"{"event_type":"a","idempotency_window_seconds":60,"idempotency_key":null}"#,
            r#"{"event_type":"a","idempotency_window_seconds":60,"idempotency_key":""}"#,
            r#"{"event_type":"a","idempotency_window_seconds":60,"idempotency_key":7}"#,
            r#"{"event_type":"a","idempotency_window_seconds":0}"#,
            r#"{"event_type":"a","idempotency_window_seconds":"60"}"#,
            r#"{"event_type":"a","idempotency_window_seconds":null,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","idempotency_window_seconds":60,"run_at":"2026-11-23T10:00:00Z","delay_seconds":1}"#,
            r#"{"event_type":"a","delay_seconds":2.5,"expires_after_seconds":31622400,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","run_at":"9999-12-30T21:59:59Z","expires_after_seconds":31622400}"#,
            r#"{"event_type":"a","expires_after_seconds":31622401}"#,
            r#"{"event_type":"a","run_at":"2026-11-23T10:00:00Z","delay_seconds":1}"#,
            r#"{"event_type":"a","run_at":"2026-11-23T10:00:00Z","delay_seconds":null}"#,
            r#"{"event_type":"a","run_at":null,"delay_seconds":0,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","run_at":"soon","delay_seconds":-1}"#,
            r#"{"event_type":"a","delay_seconds":0.0010000005,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","delay_seconds":0.0010000004999999999,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","delay_seconds":0.00000000049,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","delay_seconds":0.00000000051,"idempotency_key":"k"}"#,
            r#"{"event_type":"a","delay_seconds":8388608.0000000005,"idempotency_key":"k"}"#,
            r#"{"event_type":"a b","queue":"","priority":10,"run_at":"soon","delay_seconds":-1,
                "required_capabilities":["gpu","no good"],"required_memory_mb":0,"engine_version":"latest",
                "scenario_run_id":"/","idempotency_key":"","retry_policy":{"max_retries":5000,"max_losses":5000},
                "visibility_timeout_seconds":0,"max_processing_seconds":99999999,"expires_after_seconds":0,
                "labels":{"a/b":"x","ok":"\u0000"},"payload":[1e999]}"#,
        ]
        .map(str::to_owned),
    );
    drafts
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// So many drafts of many fields each, the same ones every time. About half are good.
pub(crate) fn generated(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let draft = draft();
    (0..count).map(|_| draft.new_tree(&mut runner).unwrap().current()).collect()
}

/// So many payloads, the same ones every time.
pub(crate) fn payloads(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let payload = json();
    let generated = (0..count).map(|_| payload.new_tree(&mut runner).unwrap().current());
    PAYLOADS.iter().map(|payload| (*payload).to_owned()).chain(generated).collect()
}

fn draft() -> impl Strategy<Value = String> {
    let fields = [
        ("payload", json().boxed()),
        ("queue", name().boxed()),
        ("priority", number("0|[1-8]|9")),
        ("run_at", moment().boxed()),
        ("delay_seconds", number(r"(0|[1-9][0-9]{0,6})(\.[0-9]{1,20})?(e-?[0-2])?")),
        (
            "required_capabilities",
            prop::collection::vec(name(), 0..5).prop_map(|names| format!("[{}]", names.join(","))).boxed(),
        ),
        ("required_memory_mb", number("[1-9][0-9]{0,8}")),
        ("engine_version", version().boxed()),
        ("scenario_run_id", name().boxed()),
        ("idempotency_key", words().boxed()),
        ("idempotency_window_seconds", number("[1-9][0-9]{0,7}")),
        ("retry_policy", retry_policy().boxed()),
        ("visibility_timeout_seconds", number("[1-9][0-9]{0,4}")),
        ("max_processing_seconds", number("[1-9][0-9]{0,5}")),
        ("expires_after_seconds", number("[1-9][0-9]{0,7}")),
        ("progress_timeout_seconds", number("[1-9][0-9]{0,5}")),
        ("labels", prop::collection::vec((name(), words()), 0..4).prop_map(|labels| object(&labels)).boxed()),
        ("traceparent", "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]".prop_map(|text| quoted(&text)).boxed()),
    ];
    // A field in three is given, and few are what some field elsewhere would take.
    let fields = fields.map(|(field, good)| {
        let any = any_value();
        prop_oneof![
            60 => Just(None),
            38 => good.prop_map(Some),
            1 => any.prop_map(Some),
        ]
        .prop_map(move |value| value.map(|value| format!("\"{field}\":{value}")))
        .boxed()
    });
    (fields.to_vec(), name(), any::<prop::sample::Index>()).prop_map(|(fields, event_type, at)| {
        let mut fields: Vec<_> = fields.into_iter().flatten().collect();
        fields.insert(at.index(fields.len() + 1), format!("\"event_type\":{event_type}"));
        format!("{{{}}}", fields.join(","))
    })
}

fn any_value() -> impl Strategy<Value = String> {
    let all: Vec<_> = STRINGS.iter().chain(NUMBERS).chain(OTHERS).filter(|value| !value.starts_with('[')).collect();
    prop::sample::select(all).prop_map(|value| (*value).to_owned())
}

fn number(shape: &str) -> BoxedStrategy<String> {
    let shape: &'static str = Box::leak(shape.to_owned().into_boxed_str());
    prop_oneof![20 => shape, 1 => prop::sample::select(NUMBERS).prop_map(str::to_owned)].boxed()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![30 => "\"[A-Za-z0-9][A-Za-z0-9._:-]{0,12}\"", 1 => prop::sample::select(STRINGS).prop_map(str::to_owned)]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => "[ -~é-ü€😀]{1,12}".prop_map(|text| quoted(&text)),
        1 => "\\PC{0,12}".prop_map(|text| quoted(&text)),
        1 => prop::sample::select(STRINGS).prop_map(str::to_owned),
    ]
}

fn moment() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "(19[67]|20[0-9]|[3-9][0-9]{2})[0-9]-(0[1-9]|1[0-2])-([01][1-9]|2[0-9])[Tt ]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\\.[0-9]{1,9})?([Zz]|[+-](0[0-9]|1[0-5]):[0-5][0-9])",
        1 => "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|[+-](0[0-9]|1[0-5]|2[4-9]):?[0-6][0-9])?",
    ]
    .prop_map(|text| quoted(&text))
}

fn version() -> impl Strategy<Value = String> {
    let one = " ?(>=|<=|[=<>~^])? ?(0|[1-9][0-9]{0,3})(\\.(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]?)(-[a-z0-9-]{1,4}(\\.[1-9a-z-]{1,3})?)?(\\+[0-9a-z]{1,3})?)?|\\.[*x])? ?";
    prop_oneof![
        8 => prop::collection::vec(one, 1..4).prop_map(|some| some.join(",")),
        1 => "[ 0-9.*xX,<>=~^a+-]{0,12}",
    ]
    .prop_map(|text| quoted(&text))
}

fn retry_policy() -> impl Strategy<Value = String> {
    let float = || prop_oneof![10 => number(r"[01](\.[0-9]{1,20})?(e-?[0-2])?"), 1 => any_value().boxed()];
    let delay = prop::sample::subsequence(vec!["initial", "max", "multiplier", "jitter"], 0..=4)
        .prop_flat_map(move |names| {
            let values: Vec<_> = names
                .iter()
                .map(
                    |name| {
                        if *name == "multiplier" { number("[1-9](\\.[0-9]{1,18})?").boxed() } else { float().boxed() }
                    },
                )
                .collect();
            (Just(names), values)
        })
        .prop_map(|(names, values)| pairs(&names, &values));
    (prop::option::of(number("[0-9]|[1-9][0-9]")), prop::option::of(delay), prop::option::of(number("[1-9]"))).prop_map(
        |(retries, delay, losses)| {
            let fields = [("max_retries", retries), ("retry_delay", delay), ("max_losses", losses)];
            let given: Vec<_> =
                fields.iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value.as_ref()?))).collect();
            format!("{{{}}}", given.join(","))
        },
    )
}

fn pairs(names: &[&str], values: &[String]) -> String {
    let pairs: Vec<_> = names.iter().zip(values).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", pairs.join(","))
}

fn object(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// Any JSON, with few enough different keys that some are given twice.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => number(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"),
        4 => words().boxed(),
        1 => prop::sample::select(vec!["null", "true", "false", "{}", "[ ]"]).prop_map(str::to_owned).boxed(),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let key =
            prop_oneof![6 => "\"[a-z]{1,4}\"".boxed(), 1 => words().boxed(), 1 => "\"(\\\\u000[01]|a){1,3}\"".boxed(),
            1 => "\"(\\\\u00[eE]9|é|\\\\ud83d\\\\ude00|😀|\u{e000}|\u{ffff}|\\\\/|/|\\\\\\\\u0000){1,3}\"".boxed()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| format!("[{}]", values.join(" , "))),
            prop::collection::vec((key, inner), 0..5).prop_map(|fields| object(&fields)),
        ]
    })
}
