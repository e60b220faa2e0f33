//! Values that may be null, as tools take them.
//!
//! For an `Option` the macros write a choice of the type or null. A value for which both hold is invalid under that, and what
//! holds any JSON is such a one; and makers of clients need a class for the choice. So what is one of JSON's own types says
//! itself that it may be null, and only what has a name of its own (an object, a list of words) stays a choice.

use std::collections::BTreeMap;

use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayItems, Object, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{OpenApi, RefOr};

type Schemas = BTreeMap<String, RefOr<Schema>>;

pub(super) fn put_right(openapi: &mut OpenApi) {
    let known = openapi.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    let schemas = openapi.components.as_mut().map(|components| &mut components.schemas);
    for schema in schemas.into_iter().flatten().map(|(_, schema)| schema) {
        within(schema, &known);
    }
    for item in openapi.paths.paths.values_mut() {
        for operation in super::operations::of(item) {
            in_operation(operation);
        }
    }
}

/// A parameter or a body that may be left out is not null for that.
fn in_operation(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
            never_null(schema);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.schema.iter_mut().for_each(never_null);
            }
        }
    }
}

fn never_null(schema: &mut RefOr<Schema>) {
    if let Some(value) = beside_null(schema) {
        *schema = value;
    } else if let RefOr::T(Schema::Object(Object { schema_type, .. })) = schema
        && let SchemaType::Array(types) = schema_type
        && let [only] = types.iter().filter(|one| **one != Type::Null).collect::<Vec<_>>()[..]
    {
        *schema_type = SchemaType::Type(only.clone());
    }
}

fn within(schema: &mut RefOr<Schema>, known: &Schemas) {
    if let Some(value) = beside_null(schema) {
        *schema = or_null(value, known);
        return;
    }
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            object.properties.values_mut().for_each(|property| within(property, known));
            if let Some(AdditionalProperties::RefOr(others)) = object.additional_properties.as_deref_mut() {
                within(others, known);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                within(items, known);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(|item| within(item, known)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| within(item, known)),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(|item| within(item, known)),
        _ => {}
    }
}

/// Of a choice between a value and null, the value.
fn beside_null(schema: &RefOr<Schema>) -> Option<RefOr<Schema>> {
    let RefOr::T(Schema::OneOf(choice)) = schema else { return None };
    match &choice.items[..] {
        [value, null] if is_null(null) => Some(value.clone()),
        [null, value] if is_null(null) => Some(value.clone()),
        _ => None,
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if matches!(object.schema_type, SchemaType::Type(Type::Null)))
}

/// The value or null, in the way that fits the value.
fn or_null(value: RefOr<Schema>, known: &Schemas) -> RefOr<Schema> {
    let (named, description) = match &value {
        RefOr::Ref(to) => (known.get(to.ref_location.rsplit('/').next().unwrap_or_default()), to.description.clone()),
        RefOr::T(_) => (None, String::new()),
    };
    let Some(RefOr::T(Schema::Object(named))) = named else { return value };
    match &named.schema_type {
        // Any JSON: null is one of its values.
        SchemaType::AnyValue => value,
        SchemaType::Type(kind) if *kind != Type::Object && named.enum_values.is_none() => {
            let mut inline = named.clone();
            inline.schema_type = SchemaType::from_iter([kind.clone(), Type::Null]);
            if !description.is_empty() {
                inline.description = Some(description);
            }
            Schema::Object(inline).into()
        }
        _ => {
            let mut value = value;
            if let RefOr::Ref(to) = &mut value {
                to.description.clear();
            }
            let description = Some(description).filter(|text| !text.is_empty());
            let null = ObjectBuilder::new().schema_type(Type::Null);
            Schema::from(AnyOfBuilder::new().item(value).item(null).description(description).build()).into()
        }
    }
}
