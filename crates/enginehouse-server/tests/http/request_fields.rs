//! What the description of the API says of requests: every call, and every field of its body.

use std::collections::BTreeSet;

use serde_json::Value;

/// A field of a request, by the steps that lead to it.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) steps: Vec<Step>,
    pub(crate) schema: &'a Value,
}

#[derive(Clone)]
pub(crate) enum Step {
    Key(String),
    Item,
}

impl Field<'_> {
    /// A body with this value in the field, and nothing else.
    pub(crate) fn body(&self, value: &str) -> String {
        self.steps.iter().rev().fold(value.to_owned(), |inner, step| match step {
            Step::Key(key) => format!("{{\"{key}\": {inner}}}"),
            Step::Item => format!("[{inner}]"),
        })
    }

    pub(crate) fn pointer(&self) -> String {
        let step = |step: &Step| match step {
            Step::Key(key) => format!("/{key}"),
            Step::Item => "/0".to_owned(),
        };
        self.steps.iter().map(step).collect()
    }

    pub(crate) fn below(&self, step: Step) -> Vec<Step> {
        let mut steps = self.steps.clone();
        steps.push(step);
        steps
    }
}

/// The description of the API.
pub(crate) struct Description(pub(crate) Value);

impl Description {
    pub(crate) fn new() -> Self {
        Self(serde_json::from_str(&enginehouse_server::http::openapi_text()).unwrap())
    }

    /// A schema without references, and whether null is allowed beside it.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Value) -> (&'a Value, bool) {
        if let Some(path) = schema["$ref"].as_str() {
            return self.resolved(self.0.pointer(path.strip_prefix('#').unwrap()).unwrap());
        }
        let Some(choice) = ["oneOf", "anyOf"].iter().find_map(|of| schema[of].as_array()) else {
            return (schema, false);
        };
        let is_null = |one: &&Value| one["type"] == "null";
        match choice.iter().find(|one| !is_null(one)) {
            // An enum whose words are documented one by one.
            Some(one) if one.get("const").is_some() || one.get("enum").is_some() => {
                (one, choice.iter().any(|one| is_null(&one)))
            }
            Some(one) => (self.resolved(one).0, choice.iter().any(|one| is_null(&one))),
            None => (schema, true),
        }
    }

    /// The kinds of value that a field may have; none if any.
    pub(crate) fn kinds(&self, schema: &Value) -> Option<BTreeSet<String>> {
        let (resolved, nullable) = self.resolved(schema);
        let mut kinds: BTreeSet<String> = match &resolved["type"] {
            Value::String(kind) => [kind.clone()].into(),
            Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect(),
            _ => return None,
        };
        if kinds.contains("number") {
            kinds.insert("integer".to_owned());
        }
        if nullable {
            kinds.insert("null".to_owned());
        }
        Some(kinds)
    }

    /// A field and all that are within it.
    pub(crate) fn fields<'a>(&'a self, field: Field<'a>, found: &mut Vec<Field<'a>>) {
        let (schema, _) = self.resolved(field.schema);
        found.push(field.clone());
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            self.fields(Field { steps: field.below(Step::Key(name.clone())), schema }, found);
        }
        if schema["items"].is_object() {
            self.fields(Field { steps: field.below(Step::Item), schema: &schema["items"] }, found);
        }
        if schema["additionalProperties"].is_object() {
            let steps = field.below(Step::Key("key".to_owned()));
            self.fields(Field { steps, schema: &schema["additionalProperties"] }, found);
        }
    }

    /// Every call: its line with good values in the path, and its description.
    pub(crate) fn calls(&self) -> Vec<(String, String, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        paths
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(move |(method, call)| (method.to_uppercase(), path.clone(), call))
            })
            .collect()
    }
}

/// A path with good values for its parameters, but for one.
pub(crate) fn path_of(template: &str, bad: Option<&str>) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        None => part.to_owned(),
        Some(name) if bad == Some(name) => "a%20b%00".to_owned(),
        Some("event_id" | "operation_id") => "0193f2a0-0000-7000-8000-000000000000".to_owned(),
        Some("accessor") => "abcdefghij27".to_owned(),
        Some(_) => "good".to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}
