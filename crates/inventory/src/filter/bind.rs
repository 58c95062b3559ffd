//! Syntax of `odata` into conditions and scalars: names become properties, literals get the kinds that
//! stand beside them.
//!
//! Beyond OData's own rules a few habits of clients are understood, where they can mean one thing only:
//! moments and numbers in quotes, dates for midnights, choices in any case.

mod literal;
mod sides;

use odata::expression::{
    Arithmetic, Comparison as Operator, Expr, ExprKind, Function as Call, Members, OrderBy, Path,
    Predicate, Quantifier, Root,
};
use odata::literal::Literal;

use self::literal::{choice_of, fit, value_of};
use self::sides::name_of;
use super::{
    Collection, Comparison, Condition, Direction, EntityKind, Field, Function, Kind, Level, Scalar,
    Sort, TextTest, UserField, Value,
};
use crate::time::Timestamp;

/// Why a question cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BindError {
    /// Characters of the option's value before what is wrong.
    pub at: usize,
    /// What is wrong, for whoever wrote it.
    pub message: String,
}

/// Binds what is asked of one kind of entity.
#[derive(Clone, Debug)]
pub struct Binder {
    /// What the row and the items around are, outermost first.
    kinds: Vec<EntityKind>,
    /// The names of the items, one fewer.
    variables: Vec<String>,
    now: Timestamp,
}

/// An expression that is bound.
enum Bound {
    Condition(Condition),
    Scalar(Scalar, Kind),
    Null,
}

type Result<T> = std::result::Result<T, BindError>;

fn error<T>(at: usize, message: impl Into<String>) -> Result<T> {
    Err(BindError { at, message: message.into() })
}

impl Binder {
    /// For rows of a kind; `now` is what the function of that name gives.
    pub fn new(of: EntityKind, now: Timestamp) -> Self {
        Self { kinds: vec![of], variables: Vec::new(), now }
    }

    /// What `$filter` asks.
    pub fn condition(&mut self, expr: &Expr) -> Result<Condition> {
        let bound = self.bind(expr)?;
        truth(expr, bound)
    }

    /// What `$orderby` asks.
    pub fn sorts(&mut self, order: &OrderBy) -> Result<Vec<Sort>> {
        let keys = order.keys.iter().map(|key| {
            let by = match self.bind(&key.expr)? {
                Bound::Condition(condition) => Scalar::Truth(Box::new(condition)),
                Bound::Null => Scalar::Value(Value::Null),
                Bound::Scalar(scalar, Kind::Choice(_, members)) => {
                    Scalar::Ordinal(Box::new(scalar), members)
                }
                Bound::Scalar(scalar, _) => scalar,
            };
            let direction = match key.direction {
                odata::expression::Direction::Ascending => Direction::Ascending,
                odata::expression::Direction::Descending => Direction::Descending,
            };
            Ok(Sort { by, direction })
        });
        keys.collect()
    }

    fn bind(&mut self, expr: &Expr) -> Result<Bound> {
        match &expr.kind {
            ExprKind::Literal(Literal::Null) => Ok(Bound::Null),
            ExprKind::Literal(literal) => {
                let (value, kind) = value_of(literal, expr.at)?;
                Ok(Bound::Scalar(Scalar::Value(value), kind))
            }
            ExprKind::Path(path) => self.path(path, expr.at),
            ExprKind::Count(path) => {
                let collection = self.collection(path, expr.at)?;
                Ok(Bound::Scalar(Scalar::Count(collection), Kind::Integer))
            }
            ExprKind::Not(inner) => {
                let inner = self.condition(inner)?;
                Ok(Bound::Condition(Condition::Not(Box::new(inner))))
            }
            ExprKind::And(all) => Ok(Bound::Condition(Condition::And(self.conditions(all)?))),
            ExprKind::Or(any) => Ok(Bound::Condition(Condition::Or(self.conditions(any)?))),
            ExprKind::Compare { operator, left, right } => {
                self.compare(*operator, left, right, expr.at).map(Bound::Condition)
            }
            ExprKind::Has { left, flag } => self.has(left, flag).map(Bound::Condition),
            ExprKind::In { left, members } => self.within(left, members).map(Bound::Condition),
            ExprKind::Negate(inner) => self.number(Function::Negate, &[inner]),
            ExprKind::Arithmetic { operator, left, right } => {
                let function = match operator {
                    Arithmetic::Add => Function::Add,
                    Arithmetic::Sub => Function::Sub,
                    Arithmetic::Mul => Function::Mul,
                    Arithmetic::Div => Function::Div,
                    Arithmetic::DivBy => Function::DivBy,
                    Arithmetic::Mod => Function::Mod,
                };
                self.number(function, &[left, right])
            }
            ExprKind::Call { function, arguments } => self.call(*function, arguments, expr.at),
            ExprKind::Lambda { quantifier, collection, predicate } => {
                let collection = self.collection(collection, expr.at)?;
                self.lambda(*quantifier, collection, predicate.as_deref()).map(Bound::Condition)
            }
        }
    }

    fn conditions(&mut self, exprs: &[Expr]) -> Result<Vec<Condition>> {
        exprs.iter().map(|expr| self.condition(expr)).collect()
    }

    /// The level at which a path begins.
    fn level(&self, root: &Root) -> usize {
        match root {
            Root::Entity | Root::It => 0,
            // The parser knows every variable.
            Root::Variable(name) => {
                self.variables.iter().position(|known| known == name).map_or(0, |at| at + 1)
            }
        }
    }

    fn path(&self, path: &Path, at: usize) -> Result<Bound> {
        let level = self.level(&path.root);
        let mut kind = self.kinds[level];
        if path.segments.is_empty() {
            return match kind {
                EntityKind::Text => {
                    Ok(Bound::Scalar(Scalar::Property(Level(level), Field::Item), Kind::Text))
                }
                _ => error(at, format!("'{}' is no single value.", kind.type_name())),
            };
        }
        for (index, name) in path.segments.iter().enumerate() {
            let property = kind.property(name).ok_or_else(|| unknown(kind, name, at))?;
            let is_last = index + 1 == path.segments.len();
            match (property.kind, property.field) {
                (Kind::Complex(inner), _) if !is_last => kind = inner,
                (kind, Some(field)) if is_last => {
                    return Ok(Bound::Scalar(Scalar::Property(Level(level), field), kind));
                }
                (Kind::Items(_), _) => {
                    return error(
                        at,
                        format!(
                            "The property '{}' is a collection: ask for its items with any, all or \
                             /$count.",
                            property.name
                        ),
                    );
                }
                _ if is_last => {
                    let name = property.name;
                    return error(at, format!("The property '{name}' is no single value."));
                }
                _ => {
                    let name = property.name;
                    return error(at, format!("The property '{name}' has no properties."));
                }
            }
        }
        error(at, "The path leads to no value.")
    }

    fn collection(&self, path: &Path, at: usize) -> Result<Collection> {
        let level = self.level(&path.root);
        let kind = self.kinds[level];
        let [name] = path.segments.as_slice() else {
            return error(at, format!("'{path}' is no collection."));
        };
        let property = kind.property(name).ok_or_else(|| unknown(kind, name, at))?;
        match property.kind {
            Kind::Items(of) => Ok(Collection { level: Level(level), of }),
            _ => error(at, format!("The property '{}' is no collection.", property.name)),
        }
    }

    fn lambda(
        &mut self,
        quantifier: Quantifier,
        collection: Collection,
        predicate: Option<&Predicate>,
    ) -> Result<Condition> {
        let Some(Predicate { variable, body }) = predicate else {
            return Ok(Condition::Any { collection, of: None });
        };
        self.kinds.push(collection.of.kind());
        self.variables.push(variable.clone());
        let of = self.condition(body);
        self.kinds.pop();
        self.variables.pop();
        let of = Box::new(of?);
        Ok(match quantifier {
            Quantifier::Any => Condition::Any { collection, of: Some(of) },
            Quantifier::All => Condition::All { collection, of },
        })
    }

    fn compare(
        &mut self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        at: usize,
    ) -> Result<Condition> {
        let operator = match operator {
            Operator::Eq => Comparison::Eq,
            Operator::Ne => Comparison::Ne,
            Operator::Gt => Comparison::Gt,
            Operator::Ge => Comparison::Ge,
            Operator::Lt => Comparison::Lt,
            Operator::Le => Comparison::Le,
        };
        let (one, other) = self.sides(left, right)?;
        let is_equality = matches!(operator, Comparison::Eq | Comparison::Ne);
        let (left, right) = match (one, other) {
            (None, None) => (Scalar::Value(Value::Null), Scalar::Value(Value::Null)),
            (Some((one, _)), None) => (one, Scalar::Value(Value::Null)),
            (None, Some((other, _))) => (Scalar::Value(Value::Null), other),
            (Some((one, kind)), Some((other, of_other))) => {
                let (one, kind) = fit(one, kind, of_other, left.at)?;
                let (other, of_other) = fit(other, of_other, kind, right.at)?;
                if !are_comparable(kind, of_other) {
                    let (kind, of_other) = (edm(kind), edm(of_other));
                    return error(
                        at,
                        format!("A value of '{kind}' cannot be compared with one of '{of_other}'."),
                    );
                }
                match kind {
                    Kind::Choice(_, members) if !is_equality => (
                        Scalar::Ordinal(Box::new(one), members),
                        Scalar::Ordinal(Box::new(other), members),
                    ),
                    _ => (one, other),
                }
            }
        };
        Ok(Condition::Compare { operator, left, right })
    }

    fn within(&mut self, left: &Expr, members: &Members) -> Result<Condition> {
        let list = match members {
            Members::List(list) => list,
            Members::Collection(path) => {
                let collection = self.collection(path, left.at)?;
                if collection.of.kind() != EntityKind::Text {
                    return error(left.at, format!("'{path}' is no collection of single values."));
                }
                let Some((value, kind)) = self.scalar(left)? else {
                    return Ok(Condition::Constant(Some(false)));
                };
                if !are_comparable(kind, Kind::Text) {
                    return error(left.at, format!("'{path}' holds texts."));
                }
                let item = Scalar::Property(Level(self.kinds.len()), Field::Item);
                let of = Condition::Compare { operator: Comparison::Eq, left: item, right: value };
                return Ok(Condition::Any { collection, of: Some(Box::new(of)) });
            }
        };
        let Some((scalar, kind)) = self.scalar(left)? else {
            return error(left.at, "null cannot be looked for in a list.");
        };
        let members = list.iter().map(|member| {
            let (value, of_member) = match (&member.kind, kind) {
                (ExprKind::Literal(Literal::Null), _) => return Ok(Value::Null),
                (ExprKind::Literal(literal), _) => value_of(literal, member.at)?,
                (_, Kind::Choice(..)) => (Value::Text(name_of(member)?), Kind::Text),
                _ => {
                    return error(
                        member.at,
                        "A list holds constants; a text stands in single quotes.",
                    );
                }
            };
            let (value, of_member) = fit(Scalar::Value(value), of_member, kind, member.at)?;
            match value {
                Scalar::Value(value) if are_comparable(kind, of_member) => Ok(value),
                _ => {
                    let (kind, of_member) = (edm(kind), edm(of_member));
                    error(
                        member.at,
                        format!(
                            "A value of '{kind}' cannot be compared with one of '{of_member}'."
                        ),
                    )
                }
            }
        });
        Ok(Condition::In { left: scalar, members: members.collect::<Result<_>>()? })
    }

    /// `has`: a word among `logonTypes`; for choices, which are no flags, the same as `eq`.
    fn has(&mut self, left: &Expr, flag: &Expr) -> Result<Condition> {
        let bound = self.scalar(left)?;
        let word = &name_of(flag)?;
        match bound {
            Some((Scalar::Property(level, Field::User(UserField::LogonTypes)), _)) => {
                let text = |text: &str| Scalar::Value(Value::Text(text.to_owned()));
                let types = Scalar::Property(level, Field::User(UserField::LogonTypes));
                let begun = Scalar::Apply(Function::Concat, vec![text(", "), types]);
                let listed = Scalar::Apply(Function::Concat, vec![begun, text(",")]);
                let part = text(&format!(" {word},"));
                Ok(Condition::Text { test: TextTest::Contains, text: listed, part })
            }
            Some((scalar, Kind::Choice(name, members))) => {
                let member = choice_of(name, members, word, flag.at)?;
                let right = Scalar::Value(Value::Text(member));
                Ok(Condition::Compare { operator: Comparison::Eq, left: scalar, right })
            }
            _ => error(left.at, "`has` is for logonTypes and for enumerations."),
        }
    }

    /// A single value and its kind; `None` for null.
    fn scalar(&mut self, expr: &Expr) -> Result<Option<(Scalar, Kind)>> {
        Ok(match self.bind(expr)? {
            Bound::Null => None,
            Bound::Scalar(scalar, kind) => Some((scalar, kind)),
            Bound::Condition(condition) => {
                Some((Scalar::Truth(Box::new(condition)), Kind::Boolean))
            }
        })
    }

    /// A function of numbers.
    fn number(&mut self, function: Function, operands: &[&Expr]) -> Result<Bound> {
        let mut kind = if function == Function::DivBy { Kind::Double } else { Kind::Integer };
        let mut arguments = Vec::with_capacity(operands.len());
        for operand in operands {
            match self.scalar(operand)? {
                None => arguments.push(Scalar::Value(Value::Null)),
                Some((scalar, of_operand @ (Kind::Integer | Kind::Double))) => {
                    if of_operand == Kind::Double {
                        kind = Kind::Double;
                    }
                    arguments.push(scalar);
                }
                Some((_, other)) => {
                    return error(operand.at, format!("'{}' is no number.", edm(other)));
                }
            }
        }
        Ok(Bound::Scalar(Scalar::Apply(function, arguments), kind))
    }

    fn call(&mut self, call: Call, arguments: &[Expr], at: usize) -> Result<Bound> {
        let test = match call {
            Call::StartsWith => Some(TextTest::StartsWith),
            Call::EndsWith => Some(TextTest::EndsWith),
            Call::Contains => Some(TextTest::Contains),
            Call::Now => {
                return Ok(Bound::Scalar(Scalar::Value(Value::Moment(self.now)), Kind::Moment));
            }
            Call::MinDateTime | Call::MaxDateTime => {
                let end = if call == Call::MinDateTime { Timestamp::MIN } else { Timestamp::MAX };
                return Ok(Bound::Scalar(Scalar::Value(Value::Moment(end)), Kind::Moment));
            }
            Call::MatchesPattern => {
                return error(at, "The function 'matchesPattern' is not supported.");
            }
            _ => None,
        };
        if let (Some(test), [text, part]) = (test, arguments) {
            let (text, part) = (self.argument(call, text, TEXT)?, self.argument(call, part, TEXT)?);
            return Ok(Bound::Condition(Condition::Text { test, text, part }));
        }
        let (function, takes, gives) = signature(call);
        if let ([operand], Function::Round | Function::Floor | Function::Ceiling) =
            (arguments, function)
        {
            return self.number(function, &[operand]);
        }
        let arguments = arguments.iter().zip(takes.iter().chain(std::iter::repeat(&INTEGER)));
        let bound = arguments.map(|(expr, takes)| self.argument(call, expr, takes));
        Ok(Bound::Scalar(Scalar::Apply(function, bound.collect::<Result<_>>()?), gives))
    }

    fn argument(&mut self, call: Call, expr: &Expr, takes: &[Kind]) -> Result<Scalar> {
        let Some((scalar, kind)) = self.scalar(expr)? else {
            return Ok(Scalar::Value(Value::Null));
        };
        let is_text = matches!(kind, Kind::Guid | Kind::Choice(..)) && takes.contains(&Kind::Text);
        if is_text || takes.contains(&kind) {
            return Ok(scalar);
        }
        let takes: Vec<_> = takes.iter().map(|&kind| edm(kind)).collect();
        let (name, takes, kind) = (call.name(), takes.join("' or '"), edm(kind));
        error(expr.at, format!("The function '{name}' takes '{takes}' here, and this is '{kind}'."))
    }
}

const TEXT: &[Kind] = &[Kind::Text];
const INTEGER: &[Kind] = &[Kind::Integer];
const DAYS: &[Kind] = &[Kind::Moment, Kind::Date];
const TIMES: &[Kind] = &[Kind::Moment, Kind::TimeOfDay];
const MOMENT: &[Kind] = &[Kind::Moment];

/// What a function of single values is, takes and gives.
fn signature(call: Call) -> (Function, &'static [&'static [Kind]], Kind) {
    match call {
        Call::ToLower => (Function::ToLower, &[TEXT], Kind::Text),
        Call::ToUpper => (Function::ToUpper, &[TEXT], Kind::Text),
        Call::Length => (Function::Length, &[TEXT], Kind::Integer),
        Call::IndexOf => (Function::IndexOf, &[TEXT, TEXT], Kind::Integer),
        Call::Substring => (Function::Substring, &[TEXT, INTEGER, INTEGER], Kind::Text),
        Call::Concat => (Function::Concat, &[TEXT, TEXT], Kind::Text),
        Call::Date => (Function::Date, &[MOMENT], Kind::Date),
        Call::Time => (Function::Time, &[MOMENT], Kind::TimeOfDay),
        Call::Year => (Function::Year, &[DAYS], Kind::Integer),
        Call::Month => (Function::Month, &[DAYS], Kind::Integer),
        Call::Day => (Function::Day, &[DAYS], Kind::Integer),
        Call::Hour => (Function::Hour, &[TIMES], Kind::Integer),
        Call::Minute => (Function::Minute, &[TIMES], Kind::Integer),
        Call::Second => (Function::Second, &[TIMES], Kind::Integer),
        Call::Floor => (Function::Floor, &[], Kind::Double),
        Call::Ceiling => (Function::Ceiling, &[], Kind::Double),
        Call::Round => (Function::Round, &[], Kind::Double),
        Call::Trim
        | Call::StartsWith
        | Call::EndsWith
        | Call::Contains
        | Call::Now
        | Call::MinDateTime
        | Call::MaxDateTime
        | Call::MatchesPattern => (Function::Trim, &[TEXT], Kind::Text),
    }
}

fn truth(expr: &Expr, bound: Bound) -> Result<Condition> {
    match bound {
        Bound::Condition(condition) => Ok(condition),
        Bound::Null => Ok(Condition::Constant(None)),
        Bound::Scalar(Scalar::Value(Value::Boolean(truth)), _) => {
            Ok(Condition::Constant(Some(truth)))
        }
        Bound::Scalar(scalar, Kind::Boolean) => Ok(Condition::Is(scalar)),
        Bound::Scalar(_, kind) => {
            let kind = edm(kind);
            error(expr.at, format!("A condition is needed here, and '{kind}' is none."))
        }
    }
}

/// Whether values of two kinds can be compared as they are.
fn are_comparable(one: Kind, other: Kind) -> bool {
    let is_text = |kind| matches!(kind, Kind::Text | Kind::Guid);
    let is_number = |kind| matches!(kind, Kind::Integer | Kind::Double);
    one == other || is_text(one) && is_text(other) || is_number(one) && is_number(other)
}

fn unknown(kind: EntityKind, name: &str, at: usize) -> BindError {
    let name: String = name.chars().take(odata::options::SHOWN_CHARS).collect();
    let message =
        format!("Could not find a property named '{name}' on type '{}'.", kind.type_name());
    BindError { at, message }
}

/// The EDM's name of a kind.
fn edm(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "Edm.String",
        Kind::Guid => "Edm.Guid",
        Kind::Boolean => "Edm.Boolean",
        Kind::Integer => "Edm.Int64",
        Kind::Double => "Edm.Double",
        Kind::Moment => "Edm.DateTimeOffset",
        Kind::Date => "Edm.Date",
        Kind::TimeOfDay => "Edm.TimeOfDay",
        Kind::Choice(name, _) => name,
        Kind::Items(_) | Kind::Complex(_) => "a value of several parts",
    }
}
