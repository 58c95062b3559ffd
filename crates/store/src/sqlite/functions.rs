//! Functions that statements call: those of `inventory` itself, so that a question means the same here
//! and in memory.

use inventory::filter::{Function, TextTest, Value, function};
use inventory::ids::MachineId;
use inventory::logon::LogonTypes;
use inventory::time::{Day, Timestamp};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use rusqlite::{Connection, Result};
use uuid::Uuid;

const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

/// Every function, by its number in a statement.
const FUNCTIONS: &[Function] = &[
    Function::ToLower,
    Function::ToUpper,
    Function::Trim,
    Function::Length,
    Function::IndexOf,
    Function::Substring,
    Function::Concat,
    Function::Year,
    Function::Month,
    Function::Day,
    Function::Hour,
    Function::Minute,
    Function::Second,
    Function::Date,
    Function::Time,
    Function::Round,
    Function::Floor,
    Function::Ceiling,
    Function::Negate,
    Function::Add,
    Function::Sub,
    Function::Mul,
    Function::Div,
    Function::DivBy,
    Function::Mod,
];

/// The number of a function.
pub(super) fn number_of(function: Function) -> usize {
    FUNCTIONS.iter().position(|known| *known == function).unwrap_or(FUNCTIONS.len())
}

/// The number of a test of texts.
pub(super) fn number_of_test(test: TextTest) -> i64 {
    match test {
        TextTest::StartsWith => 0,
        TextTest::EndsWith => 1,
        TextTest::Contains => 2,
    }
}

/// Makes the functions known to a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("fold", 1, PURE, |context| {
        let text = context.get_raw(0).as_str_or_null()?;
        Ok(text.map(inventory::fold))
    })?;
    connection.create_scalar_function("full_name", 1, PURE, |context| {
        let name = context.get_raw(0).as_str_or_null()?;
        Ok(name.and_then(inventory::identity::full_name))
    })?;
    connection.create_scalar_function("id_of_name", 1, PURE, |context| {
        Ok(MachineId::derived_from_name(context.get_raw(0).as_str()?).0)
    })?;
    connection.create_scalar_function("text_test", 3, PURE, |context| {
        let test = match context.get::<i64>(0)? {
            0 => TextTest::StartsWith,
            1 => TextTest::EndsWith,
            _ => TextTest::Contains,
        };
        let (text, part) =
            (context.get_raw(1).as_str_or_null()?, context.get_raw(2).as_str_or_null()?);
        Ok(text.zip(part).map(|(text, part)| function::test(test, text, part)))
    })?;
    connection.create_scalar_function("guid_text", 1, PURE, |context| {
        let bytes = context.get_raw(0).as_blob_or_null()?;
        let id = bytes.and_then(|bytes| Uuid::from_slice(bytes).ok());
        Ok(id.map(|id| id.hyphenated().to_string()))
    })?;
    connection.create_scalar_function("logon_words", 1, PURE, |context| {
        Ok(LogonTypes::from_bits(context.get(0)?).words().join(", "))
    })?;
    // Its number, the kinds of its arguments, the arguments.
    connection.create_scalar_function("apply", -1, PURE, |context| apply(context))?;
    connection.create_aggregate_function("bit_union", 1, PURE, BitUnion)
}

fn apply(context: &Context<'_>) -> Result<ToSqlOutput<'static>> {
    let function = usize::try_from(context.get::<i64>(0)?).ok().and_then(|at| FUNCTIONS.get(at));
    let kinds = context.get_raw(1).as_str()?;
    let mut arguments = Vec::with_capacity(kinds.len());
    for (at, kind) in kinds.bytes().enumerate() {
        arguments.push(value_of(context.get_raw(at + 2), kind));
    }
    let made = function.map_or(Value::Null, |known| function::apply(*known, &arguments));
    Ok(ToSqlOutput::Owned(to_sql(&made)))
}

/// A value of a column, given its kind (see [`kind_letter`]).
fn value_of(value: ValueRef<'_>, kind: u8) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Real(number) => Value::Double(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => match kind {
            b'm' => Timestamp::from_ticks(number).map_or(Value::Null, Value::Moment),
            b'd' => i32::try_from(number).map_or(Value::Null, |day| Value::Date(Day(day))),
            b't' => Value::TimeOfDay(number),
            b'b' => Value::Boolean(number != 0),
            _ => Value::Integer(number),
        },
    }
}

/// A value as columns hold it.
pub(super) fn to_sql(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Boolean(truth) => Sql::Integer((*truth).into()),
        Value::Integer(number) => Sql::Integer(*number),
        Value::Double(number) => Sql::Real(*number),
        Value::Text(text) => Sql::Text(text.clone()),
        Value::Moment(time) => Sql::Integer(time.ticks()),
        Value::Date(day) => Sql::Integer(day.0.into()),
        Value::TimeOfDay(ticks) => Sql::Integer(*ticks),
    }
}

/// All bits of a group's numbers.
struct BitUnion;

impl Aggregate<i64, i64> for BitUnion {
    fn init(&self, _: &mut Context<'_>) -> Result<i64> {
        Ok(0)
    }

    fn step(&self, context: &mut Context<'_>, bits: &mut i64) -> Result<()> {
        *bits |= context.get::<i64>(0)?;
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, bits: Option<i64>) -> Result<i64> {
        Ok(bits.unwrap_or(0))
    }
}
