//! OpenAPI 3.0 instead of 3.1, for tools that know no 3.1.
//!
//! What 3.0 has no word for is said in an older one, and left out where there is none: it never says more than holds.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The description in OpenAPI 3.0, as text.
pub(super) fn to_3_0(openapi: &OpenApi) -> String {
    // It is made of strings, numbers and maps of them: nothing that JSON cannot say.
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    if let Some(license) = document.pointer_mut("/info/license").and_then(Value::as_object_mut) {
        // An identifier of SPDX is new in 3.1; the name says the same.
        license.remove("identifier");
    }
    let types = Types::of(&document);
    each_schema(&mut document, false, &types);
    let part = |name: &str| document.get(name).cloned().unwrap_or_default();
    let ordered = Ordered {
        openapi: "3.0.3",
        info: part("info"),
        servers: part("servers"),
        tags: part("tags"),
        paths: part("paths"),
        components: part("components"),
    };
    serde_json::to_string_pretty(&ordered).unwrap_or_default()
}

/// The document in the order in which people read it.
#[derive(Serialize)]
struct Ordered {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Value,
    paths: Value,
    components: Value,
}

/// The type of each schema that has a name.
struct Types(Map<String, Value>);

impl Types {
    fn of(document: &Value) -> Self {
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten();
        Self(schemas.map(|(name, schema)| (format!("#/components/schemas/{name}"), schema["type"].clone())).collect())
    }
}

/// Rewrites what is a schema, and what lies within it. Examples are left as they are.
fn each_schema(value: &mut Value, is_schema: bool, types: &Types) {
    let Value::Object(fields) = value else {
        if let Value::Array(items) = value {
            items.iter_mut().for_each(|item| each_schema(item, is_schema, types));
        }
        return;
    };
    for (name, field) in fields.iter_mut() {
        match name.as_str() {
            "example" | "examples" | "enum" | "default" | "const" => {}
            // Maps of schemas by name, whose own keys are no keywords.
            "schemas" | "properties" => {
                field.as_object_mut().into_iter().flatten().for_each(|(_, schema)| each_schema(schema, true, types));
            }
            "schema" => each_schema(field, true, types),
            _ => each_schema(field, is_schema, types),
        }
    }
    if is_schema {
        in_3_0(fields, types);
    }
}

fn in_3_0(schema: &mut Map<String, Value>, types: &Types) {
    // 3.0 has neither: the keys of a map are said in its description, and a constant is an enum of one.
    schema.remove("propertyNames");
    if let Some(constant) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([constant]));
    }
    if let Some(Value::Array(mut examples)) = schema.remove("examples")
        && !examples.is_empty()
    {
        schema.insert("example".to_owned(), examples.swap_remove(0));
    }
    for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(bound) = schema.remove(exclusive) {
            schema.insert(inclusive.to_owned(), bound);
            schema.insert(exclusive.to_owned(), Value::Bool(true));
        }
    }
    if let Some(Value::Array(types)) = schema.get("type").cloned() {
        let mut others: Vec<_> = types.iter().filter(|name| *name != "null").cloned().collect();
        if others.len() < types.len() {
            schema.insert("nullable".to_owned(), Value::Bool(true));
        }
        match others.len() {
            1 => drop(schema.insert("type".to_owned(), others.swap_remove(0))),
            _ => drop(schema.remove("type")),
        }
    }
    nullable_choice(schema, types);
    if schema.contains_key("$ref") && schema.len() > 1 {
        // In 3.0, whatever stands beside a reference is ignored.
        if let Some(reference) = schema.remove("$ref") {
            schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        }
    }
}

/// A choice of something or null: that of 3.0 is a field.
fn nullable_choice(schema: &mut Map<String, Value>, types: &Types) {
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    let count = choices.len();
    choices.retain(|choice| choice["type"] != "null");
    if choices.len() == count {
        return;
    }
    // There, what may be null has to name its type beside that.
    let kind = choices.iter().find_map(|choice| types.0.get(choice["$ref"].as_str()?)).cloned();
    if let [_] = choices[..]
        && let Some(only) = schema.remove("anyOf")
    {
        schema.insert("allOf".to_owned(), only);
    }
    schema.insert("type".to_owned(), kind.unwrap_or_else(|| json!("object")));
    schema.insert("nullable".to_owned(), Value::Bool(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_in_3_1_is_said_in_the_words_of_3_0() {
        let types = Types(Map::from_iter([("#/components/schemas/Word".to_owned(), json!("string"))]));
        for (current, older) in [
            (json!({ "type": ["string", "null"] }), json!({ "type": "string", "nullable": true })),
            (json!({ "type": ["string", "integer"] }), json!({})),
            (json!({ "const": 1 }), json!({ "enum": [1] })),
            (json!({ "exclusiveMinimum": 0 }), json!({ "minimum": 0, "exclusiveMinimum": true })),
            (json!({ "exclusiveMaximum": 9 }), json!({ "maximum": 9, "exclusiveMaximum": true })),
            (json!({ "examples": [1, 2] }), json!({ "example": 1 })),
            (json!({ "type": "object", "propertyNames": { "pattern": "a" } }), json!({ "type": "object" })),
            (json!({ "$ref": "#/a", "description": "b" }), json!({ "allOf": [{ "$ref": "#/a" }], "description": "b" })),
            (
                json!({ "anyOf": [{ "$ref": "#/components/schemas/Word" }, { "type": "null" }] }),
                json!({ "allOf": [{ "$ref": "#/components/schemas/Word" }], "type": "string", "nullable": true }),
            ),
            (
                json!({ "properties": { "const": { "const": 1 } } }),
                json!({ "properties": { "const": { "enum": [1] } } }),
            ),
            (json!({ "example": { "const": 1 } }), json!({ "example": { "const": 1 } })),
        ] {
            let mut schema = current.clone();
            each_schema(&mut schema, true, &types);
            assert_eq!(schema, older, "{current}");
        }
    }
}
