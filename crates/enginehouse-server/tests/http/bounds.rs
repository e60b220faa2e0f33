//! The bounds that the description gives are those that the server has: of every field of every body, without a line here for
//! each.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::bad_input::send;
use crate::request_fields::{Description, Field, path_of};

/// Values just within and just beyond the bounds of a field.
#[derive(Default)]
struct Edges {
    within: Vec<String>,
    beyond: Vec<String>,
}

impl Edges {
    fn of(description: &Description, schema: &Value) -> Self {
        let mut edges = Self::default();
        edges.numbers(schema);
        edges.texts(schema);
        edges.lengths(schema, &least(description, &schema["items"]).to_string());
        edges
    }

    fn numbers(&mut self, schema: &Value) {
        let is = |kind: &str| {
            schema["type"] == kind || schema["type"].as_array().is_some_and(|of| of.contains(&json!(kind)))
        };
        if !is("integer") && !is("number") {
            return;
        }
        let step = if is("integer") { 1.0 } else { 0.0001 };
        match schema["minimum"].as_f64() {
            Some(least) => {
                self.within.push(schema["minimum"].to_string());
                self.beyond.push((least - step).to_string());
            }
            None => self.within.push("-1".to_owned()),
        }
        match schema["maximum"].as_f64() {
            Some(most) => {
                self.within.push(schema["maximum"].to_string());
                self.beyond.push((most + step).to_string());
            }
            None => self.within.push("9007199254740991".to_owned()),
        }
    }

    fn texts(&mut self, schema: &Value) {
        let is_text =
            schema["type"] == "string" || schema["type"].as_array().is_some_and(|of| of.contains(&json!("string")));
        if !is_text || schema["enum"].is_array() {
            return;
        }
        let text = |length: u64| format!("\"{}\"", "a".repeat(usize::try_from(length).unwrap()));
        match schema["maxLength"].as_u64() {
            Some(most) => self.beyond.push(text(most + 1)),
            // Whatever is allowed beside its form.
            None if schema["format"].is_null() && schema["pattern"].is_null() => self.within.push(text(1_000)),
            None => {}
        }
        if schema["format"].is_null() && schema["maxLength"].is_u64() {
            self.within.push(text(schema["maxLength"].as_u64().unwrap()));
        }
        match schema["minLength"].as_u64() {
            Some(least) => self.beyond.push(text(least - 1)),
            None if schema["format"].is_null() && schema["pattern"].as_str().is_none_or(|of| of.ends_with("]*$")) => {
                self.within.push(text(0));
            }
            None => {}
        }
        if !schema["pattern"].is_null() {
            self.beyond.push("\"a\\u0001\"".to_owned());
        }
        if !schema["format"].is_null() {
            self.beyond.push("\"nothing of that form\"".to_owned());
        }
    }

    fn lengths(&mut self, schema: &Value, item: &str) {
        let list = |length: u64| format!("[{}]", vec![item; usize::try_from(length).unwrap()].join(","));
        if let Some(most) = schema["maxItems"].as_u64() {
            self.within.push(list(most));
            self.beyond.push(list(most + 1));
        }
        if let Some(least) = schema["minItems"].as_u64() {
            self.beyond.push(list(least - 1));
        }
        if let Some(most) = schema["maxProperties"].as_u64() {
            let object = |count: u64| {
                json!((0..count).map(|n| (format!("k{n}"), "v")).collect::<std::collections::BTreeMap<_, _>>())
                    .to_string()
            };
            self.within.push(object(most));
            self.beyond.push(object(most + 1));
        }
    }
}

/// The least that is valid under a schema: what is required, and no more.
fn least(description: &Description, schema: &Value) -> Value {
    let (schema, _) = description.resolved(schema);
    let words = ["examples", "enum"].iter().filter_map(|of| schema[of].get(0));
    if let Some(word) = words.into_iter().next() {
        return word.clone();
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.map(|field| (field.to_owned(), least(description, &schema["properties"][field]))).collect()
}

#[tokio::test]
async fn every_bound_of_the_description_is_one_of_the_server_and_no_other_is() {
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
            let (resolved, _) = description.resolved(field.schema);
            let edges = Edges::of(&description, resolved);
            let tries =
                edges.within.iter().map(|value| (value, false)).chain(edges.beyond.iter().map(|value| (value, true)));
            for (value, is_wrong) in tries {
                let errors = send(&app, &method, &path, &field.body(value)).await;
                // What does not go together with other fields is no bound.
                let named = errors.iter().find(|(named, detail)| *named == pointer && detail.starts_with("must"));
                let shown = &value[..value.len().min(60)];
                assert_eq!(named.is_some(), is_wrong, "{method} {path} {pointer} {shown}: {named:?}\n{resolved}");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried} values: are there no bounds?");
    app.close().await;
}
