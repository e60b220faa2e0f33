//! Schemas that are made of others: a description says what is always there where Rust has an `Option` or a field apart.

use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// The schema of a type that is described as an object.
pub(crate) fn object<T: PartialSchema>() -> Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        // A struct with named fields is nothing else.
        _ => Object::new(),
    }
}

/// Adds a field of a type that has a schema of its own, and that is always there.
pub(crate) fn with_field<T: ToSchema>(object: &mut Object, name: &str, description: &str) {
    with_optional_field::<T>(object, name, description);
    if !object.required.iter().any(|required| required == name) {
        object.required.push(name.to_owned());
    }
}

/// The same for a field that may be absent.
pub(crate) fn with_optional_field<T: ToSchema>(object: &mut Object, name: &str, description: &str) {
    let field = Ref::builder().ref_location_from_schema_name(T::name()).description(Some(description)).build();
    object.properties.insert(name.to_owned(), field.into());
}

/// `T` and all that it refers to, as a description lists them.
pub(crate) fn described<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
