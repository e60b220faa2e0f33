//! Every answer is as the description of the API says: tests do not ask for it, what sends their requests does.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::{HeaderMap, Method, header};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The description, and the validators that were made of it.
static DESCRIBED: LazyLock<Described> = LazyLock::new(Described::new);

struct Described {
    paths: serde_json::Map<String, Value>,
    components: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// Checks an answer.
///
/// # Panics
/// The call is not described, or it is described that it has no such status, no such type of content or no such content.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, status: u16, headers: &HeaderMap, body: &str) {
    if let Err(why) = DESCRIBED.checked(method, path, status, headers, body) {
        panic!("{method} {path}: {status} {}\n{why}", &body[..body.floor_char_boundary(2_000)]);
    }
}

/// What is wrong with a value under a schema of the description; nothing, if it is empty.
#[allow(dead_code, reason = "not every suite needs it")]
pub(crate) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    DESCRIBED.faults(schema, value)
}

/// A schema by its name.
pub(crate) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl Described {
    fn new() -> Self {
        let mut openapi: Value = serde_json::from_str(&enginehouse_server::http::openapi_text()).unwrap();
        let mut components = openapi["components"].take();
        // The description leaves room for what a later server says. This one says nothing that is not described.
        for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
            let schema = schema.as_object_mut().unwrap();
            if schema.contains_key("properties") {
                schema.entry("additionalProperties").or_insert(json!(false));
            }
        }
        let Value::Object(paths) = openapi["paths"].take() else { panic!("no paths") };
        Self { paths, components, validators: Mutex::default() }
    }

    fn checked(&self, method: &Method, path: &str, status: u16, headers: &HeaderMap, body: &str) -> Result<(), String> {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default();
        // A browser that asks for a page is shown where to log in.
        let is_led_to_log_in = headers
            .get(header::LOCATION)
            .is_some_and(|to| to.to_str().is_ok_and(|to| to.trim_start_matches("../").starts_with("login?next=")));
        if status == 303 && is_led_to_log_in {
            return Ok(());
        }
        let Some(call) = self.call(method, path) else {
            // A page, or a mistake in the path or the method.
            return match media_type {
                "application/problem+json" => self.valid(&named("Problem"), body),
                _ if status < 400 => Ok(()),
                "text/html" if path == "/login" => Ok(()),
                _ => Err("what is wrong is not said in a problem".to_owned()),
            };
        };
        let response = call["responses"].get(status.to_string()).ok_or("the status is not described")?;
        if method == Method::HEAD {
            return Ok(());
        }
        let Some(contents) = response["content"].as_object() else {
            return if body.is_empty() { Ok(()) } else { Err("no content is described".to_owned()) };
        };
        let described = contents.iter().find(|(kind, _)| kind.split(';').next() == Some(media_type));
        let (_, content) = described.ok_or_else(|| format!("the type {media_type:?} is not described"))?;
        if media_type.ends_with("json") { self.valid(&content["schema"], body) } else { Ok(()) }
    }

    /// The call that a request makes. A path without parameters comes before one with.
    fn call(&self, method: &Method, path: &str) -> Option<&Value> {
        let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_ascii_lowercase() };
        let path = path.split('?').next().unwrap_or_default();
        let matches = |template: &str| {
            let (parts, wanted): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
            parts.len() == wanted.len()
                && parts
                    .iter()
                    .zip(&wanted)
                    .all(|(part, wanted)| if wanted.starts_with('{') { !part.is_empty() } else { part == wanted })
        };
        let found = self.paths.iter().filter(|(template, _)| matches(template));
        found.min_by_key(|(template, _)| template.matches('{').count())?.1.get(&method)
    }

    fn valid(&self, schema: &Value, body: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(body).map_err(|error| format!("no JSON: {error}"))?;
        let faults = self.faults(schema, &value);
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let key = schema.to_string();
        if let Some(made) = self.validators.lock().unwrap().get(&key) {
            return Arc::clone(made);
        }
        let document = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.components,
            "allOf": [schema],
        });
        let made = jsonschema::options().should_validate_formats(true).build(&document).unwrap();
        Arc::clone(self.validators.lock().unwrap().entry(key).or_insert_with(|| Arc::new(made)))
    }
}
