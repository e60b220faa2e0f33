//! Values of either store as PostgreSQL's, and back.

use enginehouse_core::time::Timestamp;
use tokio_postgres::Row as DatabaseRow;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::copy::{Kind, Row, Table, Value};
use crate::postgres::tx::columns::{Json, Moment};
use crate::postgres::wire::failure::message;

/// The type of a column, and of an array of such.
pub(super) fn type_of(kind: Kind) -> (Type, Type) {
    match kind {
        Kind::Id => (Type::UUID, Type::UUID_ARRAY),
        Kind::Short => (Type::INT2, Type::INT2_ARRAY),
        Kind::Integer => (Type::INT4, Type::INT4_ARRAY),
        Kind::Long => (Type::INT8, Type::INT8_ARRAY),
        Kind::Boolean => (Type::BOOL, Type::BOOL_ARRAY),
        Kind::Time => (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
        Kind::Text => (Type::TEXT, Type::TEXT_ARRAY),
        Kind::Json => (Type::JSON, Type::JSON_ARRAY),
        Kind::Bytes => (Type::BYTEA, Type::BYTEA_ARRAY),
    }
}

/// JSON that owns its text.
#[derive(Debug)]
struct JsonText(String);

impl ToSql for JsonText {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Json(&self.0).to_sql(of, out)
    }

    tokio_postgres::types::accepts!(JSON);
    tokio_postgres::types::to_sql_checked!();
}

/// The values of a column as an array, or one of them alone.
pub(super) fn to_column<'a>(
    kind: Kind,
    values: impl Iterator<Item = &'a Value>,
    as_array: bool,
) -> Result<Box<dyn ToSql + Sync>, String> {
    fn column<'a, T: ToSql + Sync + 'static>(
        values: impl Iterator<Item = &'a Value>,
        as_array: bool,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Result<Box<dyn ToSql + Sync>, String> {
        let mut all = Vec::new();
        for value in values {
            all.push(match value {
                Value::Null => None,
                value => Some(convert(value).ok_or("a value does not fit its column")?),
            });
        }
        Ok(match as_array {
            true => Box::new(all),
            false => Box::new(all.pop().flatten()),
        })
    }
    fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
        if let Value::Number(number) = value { T::try_from(*number).ok() } else { None }
    }
    fn text(value: &Value) -> Option<&str> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
    match kind {
        Kind::Id => column(values, as_array, |value| text(value)?.parse::<Uuid>().ok()),
        Kind::Short => column(values, as_array, number::<i16>),
        Kind::Integer => column(values, as_array, number::<i32>),
        Kind::Long => column(values, as_array, number::<i64>),
        Kind::Boolean => column(values, as_array, |value| number::<i64>(value).map(|number| number != 0)),
        Kind::Time => column(values, as_array, |value| {
            let millis = number(value)?;
            let at = Timestamp::from_millis(millis);
            (at.as_millis() == millis).then_some(Moment(at))
        }),
        Kind::Text => column(values, as_array, |value| text(value).map(str::to_owned)),
        Kind::Json => column(values, as_array, |value| text(value).map(|text| JsonText(text.to_owned()))),
        Kind::Bytes => column(values, as_array, |value| match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }),
    }
}

pub(super) fn from_row(table: &Table, row: &DatabaseRow) -> Result<Row, String> {
    let value = |place: usize, kind: Kind| -> Result<Value, tokio_postgres::Error> {
        let number = |number: Option<i64>| number.map_or(Value::Null, Value::Number);
        Ok(match kind {
            Kind::Id => row
                .try_get::<_, Option<Uuid>>(place)?
                .map_or(Value::Null, |id| Value::Text(id.hyphenated().to_string())),
            Kind::Short => number(row.try_get::<_, Option<i16>>(place)?.map(i64::from)),
            Kind::Integer => number(row.try_get::<_, Option<i32>>(place)?.map(i64::from)),
            Kind::Long => number(row.try_get(place)?),
            Kind::Boolean => number(row.try_get::<_, Option<bool>>(place)?.map(i64::from)),
            Kind::Time => number(row.try_get::<_, Option<Moment>>(place)?.map(|moment| moment.0.as_millis())),
            Kind::Text => row.try_get::<_, Option<String>>(place)?.map_or(Value::Null, Value::Text),
            Kind::Json => row
                .try_get::<_, Option<Json<'_>>>(place)?
                .map_or(Value::Null, |Json(text)| Value::Text(text.to_owned())),
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(place)?.map_or(Value::Null, Value::Bytes),
        })
    };
    let values = table.columns.iter().enumerate().map(|(place, (_, kind))| value(place, *kind));
    values.collect::<Result<Row, _>>().map_err(|error| message(&error))
}
