//! Every call, with every wrong kind of value in every field that its description has. So a call that is new is tested
//! without a line here.
//!
//! Whatever is sent, the answer speaks our words and no Rust, and what cannot be right is named by its pointer.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Request, header};
use serde_json::Value;

use crate::app::{Answer, TestApp, request};
use crate::request_fields::{Description, Field, Step, path_of};

/// One of each kind of JSON value, and texts that are JSON but that no field takes as they are.
const VALUES: [(&str, &str); 19] = [
    ("null", "null"),
    ("boolean", "true"),
    ("integer", "7"),
    ("integer", "-1"),
    ("integer", "123456789012345678901234567890123456789012345"),
    ("number", "1.5"),
    ("number", "1e999"),
    ("number", "-1e-999"),
    ("string", "\"\""),
    ("string", "\"x y\""),
    ("string", "\"7\""),
    ("string", "\"\\u0000\""),
    ("string", "\"\\ud800\""),
    ("array", "[]"),
    ("array", "[[], 1e999]"),
    ("array", "[null, {}]"),
    ("object", "{}"),
    ("object", "{\"\\ud800\": 1}"),
    ("object", "{\"a\": 1, \"a\": 2}"),
];

/// What only a Rust program, or a library of one, would say.
const RUST: [&str; 34] = [
    "struct",
    "enum",
    "variant",
    "tuple",
    "untagged",
    "serde",
    "Option",
    "Some",
    "None",
    "String",
    "Vec",
    "u8",
    "u16",
    "u32",
    "u64",
    "i32",
    "i64",
    "i128",
    "f64",
    "usize",
    "bool",
    "expected",
    "EOF",
    "invalid type",
    "invalid value",
    "missing field",
    "unknown field",
    "duplicate field",
    "group count",
    "recursion limit",
    "trailing characters",
    "surrogate in hex",
    "control character (",
    "::",
];

fn says(text: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let begins_within = is_letter(word.chars().next()) && is_letter(text[..at].chars().next_back());
        let ends_within = is_letter(word.chars().last()) && is_letter(text[at + word.len()..].chars().next());
        !begins_within && !ends_within
    })
}

fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
        _ => BTreeSet::new(),
    }
}

/// The bad fields of an answer, as pointer and detail; the answer itself is checked for its words.
#[track_caller]
fn errors(sent: &str, answer: &Answer) -> Vec<(String, String)> {
    let json: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if answer.status >= 400 {
        assert!(answer.headers[header::CONTENT_TYPE] == "application/problem+json", "{sent}\n{}", answer.body);
        assert!(answer.status < 500, "{sent}\n{}", answer.body);
        let detail = text(&json["detail"]);
        for word in RUST {
            assert!(!says(&detail, word), "{sent}\nsays {word:?}: {detail}");
        }
    }
    // Each settlement is refused by itself.
    let parts = ["results", "settlements"].iter().flat_map(|part| json[part].as_array().into_iter().flatten());
    let errors = parts
        .map(|part| &part["error"])
        .chain([&json, &json["heartbeat"]])
        .flat_map(|refused| refused["errors"].as_array())
        .flatten();
    let errors: Vec<_> = errors.map(|error| (text(&error["pointer"]), text(&error["detail"]))).collect();
    if [400, 413, 422].contains(&answer.status) {
        assert!(!errors.is_empty(), "{sent}\nnames no field: {}", answer.body);
        let pointers: BTreeSet<_> = errors.iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers.len(), errors.len(), "{sent}\nnames a field twice: {}", answer.body);
    }
    errors
}

pub(crate) async fn send(app: &TestApp, method: &str, path: &str, body: &str) -> Vec<(String, String)> {
    let line = format!("{method} {path}");
    errors(&format!("{line} {body}"), &app.send(request(&line, "application/json", body)).await)
}

#[tokio::test]
async fn every_wrong_value_of_every_field_is_named_in_our_words() {
    let app = TestApp::new();
    let description = Description::new();
    let mut tried = 0;
    for (method, template, call) in description.calls() {
        let Some(schema) = call.pointer("/requestBody/content/application~1json/schema") else { continue };
        let path = path_of(&template, None);
        let mut fields = Vec::new();
        description.fields(Field { steps: Vec::new(), schema }, &mut fields);
        for field in &fields {
            let pointer = field.pointer();
            let kinds = description.kinds(field.schema);
            let mut accepted = "null";
            for (kind, value) in VALUES {
                let body = field.body(value);
                let errors = send(&app, &method, &path, &body).await;
                // The body itself may be left out, but is an object where it is there.
                let is_wrong =
                    kinds.as_ref().is_some_and(|kinds| !kinds.contains(kind)) || pointer.is_empty() && kind != "object";
                let is_named = errors.iter().any(|(named, _)| *named == pointer);
                assert!(is_named || !is_wrong, "{method} {path} {body}\n{pointer} is not named: {errors:?}");
                if !errors.iter().any(|(named, _)| named.starts_with(&pointer)) {
                    accepted = value;
                }
                tried += 1;
            }
            if let Some(Step::Key(key)) = field.steps.last() {
                let (_, parents) = field.steps.split_last().unwrap();
                let twice = Field { steps: parents.to_vec(), schema }
                    .body(&format!("{{\"{key}\": {accepted}, \"{key}\": {accepted}}}"));
                let errors = send(&app, &method, &path, &twice).await;
                let named = errors.iter().find(|(named, _)| *named == pointer).map(|(_, detail)| detail.as_str());
                assert_eq!(named, Some("given twice"), "{method} {path} {twice}\n{errors:?}");
            }
        }
    }
    assert!(tried > 3_000, "{tried} values: are there no fields?");
    app.close().await;
}

#[tokio::test]
async fn the_fields_that_are_read_are_those_that_are_described() {
    let app = TestApp::new();
    let description = Description::new();
    for (method, template, call) in description.calls() {
        let Some(schema) = call.pointer("/requestBody/content/application~1json/schema") else { continue };
        let path = path_of(&template, None);
        let mut fields = Vec::new();
        description.fields(Field { steps: Vec::new(), schema }, &mut fields);
        for field in &fields {
            let (schema, _) = description.resolved(field.schema);
            if !schema["properties"].is_object() {
                continue;
            }
            let pointer = field.pointer();
            let errors = send(&app, &method, &path, &field.body("{\"no_such_field\": 1}")).await;
            let missing: BTreeSet<String> = errors
                .iter()
                .filter(|(_, detail)| detail == "required, but missing")
                .filter_map(|(named, _)| named.strip_prefix(&format!("{pointer}/")).map(str::to_owned))
                .collect();
            assert_eq!(missing, names(&schema["required"]), "{method} {path} {pointer}");
            if schema["additionalProperties"] == false {
                let unknown = errors.iter().find(|(named, _)| *named == format!("{pointer}/no_such_field"));
                let (_, detail) = unknown.unwrap_or_else(|| panic!("{method} {path} {pointer}: {errors:?}"));
                let known = detail.strip_prefix("unknown, must be ").unwrap();
                let known: BTreeSet<_> =
                    known.split(", ").flat_map(|name| name.split(" or ")).map(str::to_owned).collect();
                assert_eq!(known, names(&schema["properties"]), "{method} {path} {pointer}");
            }
        }
    }
    app.close().await;
}

#[tokio::test]
async fn every_wrong_parameter_is_named_in_our_words() {
    let app = TestApp::new();
    let description = Description::new();
    for (method, template, call) in description.calls() {
        let parameters = call["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in &parameters {
            // A header stands for a field, which is tried as one.
            if parameter["in"] == "header" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let pointer = format!("/{name}");
            if parameter["in"] == "path" {
                let path = path_of(&template, Some(name));
                let errors = send(&app, &method, &path, "").await;
                assert!(errors.iter().any(|(named, _)| *named == pointer), "{method} {path}: {errors:?}");
                continue;
            }
            let mut refused = 0;
            let path = path_of(&template, None);
            for value in ["", "x%20y", "-1", "1.5", "1e999", "99999999999999999999999", "null", "%FF", "a%00", "{}"] {
                let asked = format!("{path}?{name}={value}&no_such_parameter=1");
                let errors = send(&app, &method, &asked, "").await;
                refused += u32::from(errors.iter().any(|(named, _)| *named == pointer));
                assert!(errors.iter().any(|(named, _)| named == "/no_such_parameter"), "{asked}: {errors:?}");
            }
            // Codes of errors are whatever engines make them.
            assert!(refused > 0 || name == "error_code", "{method} {path}?{name}");
            let twice = send(&app, &method, &format!("{path}?{name}=1&{name}=2"), "").await;
            assert!(twice.contains(&(pointer, "given twice".to_owned())), "{method} {path}?{name}: {twice:?}");
        }
        if template.starts_with("/v1/") {
            let errors = send(&app, &method, &format!("{}?no_such_parameter=1", path_of(&template, None)), "").await;
            assert!(errors.iter().any(|(named, _)| named == "/no_such_parameter"), "{method} {template}: {errors:?}");
        }
    }
    app.close().await;
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_said_before_its_query() {
    let app = TestApp::new();
    for line in ["TRACE /v1/idempotency-keys?idempotency_key=a", "PATCH /v1/stats?a=1", "PUT /v1/events?limit=1"] {
        assert_eq!(app.send(request(line, "application/json", "")).await.status, 405, "{line}");
    }
    app.close().await;
}

#[tokio::test]
async fn every_body_that_is_not_json_is_told_where() {
    let app = TestApp::new();
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 13] = [
        b"{",
        b"{\"a\":",
        b"[1,",
        b"nope",
        b"{} {}",
        b"{\"a\" 1}",
        b"\"a\nb\"",
        b"\"\\x\"",
        b"\"\\u12\"",
        b"01",
        b"\"\xff\"",
        b"{'a':1}",
        deep.as_bytes(),
    ];
    for (method, template, call) in Description::new().calls() {
        if call.pointer("/requestBody/content/application~1json").is_none() {
            continue;
        }
        let path = path_of(&template, None);
        for body in bodies {
            let request = Request::builder().method(method.as_str()).uri(&path);
            let request =
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_vec())).unwrap();
            let answer = app.send(request).await;
            let sent = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(20)]));
            assert_eq!(answer.status, 400, "{sent}\n{}", answer.body);
            let errors = errors(&sent, &answer);
            let [(pointer, detail)] = errors.as_slice() else { panic!("{sent}\n{errors:?}") };
            let says_where = detail.starts_with("not valid JSON: ") && detail.contains(", at line ");
            assert!(pointer.is_empty() && says_where, "{sent}\n{detail}");
        }
    }
    app.close().await;
}

#[tokio::test]
async fn every_wrong_value_of_a_line_is_named_in_our_words() {
    let app = TestApp::new();
    let description = Description::new();
    let schema = description.0.pointer("/components/schemas/EnqueueRequest").unwrap();
    let mut fields = Vec::new();
    description.fields(Field { steps: Vec::new(), schema }, &mut fields);
    let bodies: Vec<_> = fields.iter().flat_map(|field| VALUES.map(|(_, value)| field.body(value))).collect();
    for lines in bodies.chunks(100) {
        let body = format!("{}\n{{\n", lines.join("\n"));
        let answer = app.send(request("POST /v1/events/batch", "application/x-ndjson", &body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        for error in answer["errors"].as_array().unwrap() {
            let detail = error["detail"].as_str().unwrap();
            for word in RUST {
                assert!(!says(detail, word), "says {word:?}: {error}");
            }
        }
        let accepted = answer["enqueued"].as_u64().unwrap();
        assert_eq!(answer["rejected"].as_u64().unwrap() + accepted, lines.len() as u64 + 1, "{body}\n{answer}");
    }
    app.close().await;
}
