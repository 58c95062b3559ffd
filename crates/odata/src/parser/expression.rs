//! Expressions, by operator precedence with stacks of our own.
//!
//! Two states alternate. An operand is wanted: what opens something (a minus, a parenthesis, a
//! call) is put on a stack. An operand is there: an operator first completes everything inside
//! the same parentheses that holds more tightly than itself, and is then put on the stack; a
//! closing parenthesis completes everything back to its opening.

use super::Parser;
use crate::error::{Error, Limit, Problem, shown};
use crate::expression::{
    Arithmetic, Comparison, Expr, ExprKind, Function, Path, Predicate, Quantifier, Root, Strength,
};
use crate::lexer::{Lexed, Token};
use crate::limits::{MAX_DEPTH, MAX_NODES};
use crate::literal::Literal;

/// An expression and the height of its tree.
pub(super) struct Operand {
    expr: Expr,
    height: usize,
}

/// An operator between operands.
#[derive(Clone, Copy)]
pub(super) enum Operator {
    /// One that makes a node of its two sides.
    Sides(Sides),
    /// One that makes a node of a whole chain.
    Chain(Junction),
}

#[derive(Clone, Copy)]
pub(super) enum Sides {
    Compare(Comparison),
    Arithmetic(Arithmetic),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Junction {
    And,
    Or,
}

/// An operator that waits for the operand behind it.
pub(super) enum Waiting {
    /// `-` or `not`
    Prefix { at: usize, make: fn(Box<Expr>) -> ExprKind },
    /// With its left side.
    Sides { at: usize, operator: Sides, left: Operand },
    /// With what stood before each of them, and the height of that.
    Chain { at: usize, junction: Junction, items: Vec<Expr>, height: usize },
}

/// A parenthesis that waits for its end.
pub(super) struct Bracket {
    kind: BracketKind,
    /// Operators that wait outside of it.
    outside: usize,
}

pub(super) enum BracketKind {
    /// `(`
    Group,
    /// `name(`, with the arguments that are complete.
    Call { at: usize, function: Function, arguments: Vec<Expr>, height: usize },
    /// `path/any(x:`
    Lambda { at: usize, quantifier: Quantifier, collection: Path, variable: String },
}

/// The operators between operands, by name.
const OPERATORS: [(&str, Operator); 14] = [
    ("eq", Operator::Sides(Sides::Compare(Comparison::Eq))),
    ("ne", Operator::Sides(Sides::Compare(Comparison::Ne))),
    ("gt", Operator::Sides(Sides::Compare(Comparison::Gt))),
    ("ge", Operator::Sides(Sides::Compare(Comparison::Ge))),
    ("lt", Operator::Sides(Sides::Compare(Comparison::Lt))),
    ("le", Operator::Sides(Sides::Compare(Comparison::Le))),
    ("and", Operator::Chain(Junction::And)),
    ("or", Operator::Chain(Junction::Or)),
    ("add", Operator::Sides(Sides::Arithmetic(Arithmetic::Add))),
    ("sub", Operator::Sides(Sides::Arithmetic(Arithmetic::Sub))),
    ("mul", Operator::Sides(Sides::Arithmetic(Arithmetic::Mul))),
    ("div", Operator::Sides(Sides::Arithmetic(Arithmetic::Div))),
    ("divby", Operator::Sides(Sides::Arithmetic(Arithmetic::DivBy))),
    ("mod", Operator::Sides(Sides::Arithmetic(Arithmetic::Mod))),
];

impl Operator {
    fn parse(token: &Token<'_>) -> Option<Self> {
        let Token::Name(name) = token else { return None };
        OPERATORS.iter().find(|known| known.0.eq_ignore_ascii_case(name)).map(|known| known.1)
    }

    fn strength(self) -> Strength {
        match self {
            Self::Sides(sides) => sides.strength(),
            Self::Chain(junction) => junction.strength(),
        }
    }
}

impl Sides {
    fn strength(self) -> Strength {
        match self {
            Self::Compare(comparison) => comparison.strength(),
            Self::Arithmetic(arithmetic) => arithmetic.strength(),
        }
    }
}

impl Junction {
    fn strength(self) -> Strength {
        match self {
            Self::And => Strength::And,
            Self::Or => Strength::Or,
        }
    }
}

impl Waiting {
    fn strength(&self) -> Strength {
        match self {
            Self::Prefix { .. } => Strength::Unary,
            Self::Sides { operator, .. } => operator.strength(),
            Self::Chain { junction, .. } => junction.strength(),
        }
    }

    /// Whether it has its operand when `next` follows, or the end of what it stands in. A chain
    /// goes on with the same operator.
    fn is_complete_before(&self, next: Option<Operator>) -> bool {
        match (self, next) {
            (_, None) => true,
            (Self::Chain { junction, .. }, Some(Operator::Chain(same))) if *junction == same => {
                false
            }
            (_, Some(next)) => self.strength() >= next.strength(),
        }
    }
}

impl<'a> Parser<'a> {
    /// Reads as far as an expression goes.
    pub(crate) fn expression(&mut self) -> Result<Expr, Error> {
        loop {
            if let Some(operand) = self.operand()?
                && let Some(whole) = self.after(operand)?
            {
                return Ok(whole.expr);
            }
        }
    }

    /// Reads an operand, or the beginning of one.
    fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let next = self.next()?;
        let at = next.at;
        match next.token {
            Token::Literal(literal) => self.leaf(at, ExprKind::Literal(literal)).map(Some),
            Token::Open => self.open(at, BracketKind::Group),
            Token::Minus => self.wait(at, Waiting::Prefix { at, make: ExprKind::Negate }),
            Token::Name(name) if name.eq_ignore_ascii_case("not") => {
                self.wait(at, Waiting::Prefix { at, make: ExprKind::Not })
            }
            Token::Name(name) => match keyword(name) {
                Some(literal) => self.leaf(at, ExprKind::Literal(literal)).map(Some),
                None if self.eat(&Token::Open)? => self.call(name, at),
                None => self.member(next),
            },
            Token::Dollar(name) if name.eq_ignore_ascii_case("$it") => self.member(next),
            Token::Qualified(name) if self.is_next(&Token::Open)? => {
                Err(self.error(at, Problem::UnknownFunction(shown(name))))
            }
            Token::Qualified(_) => Err(self.error(at, Problem::NotSupported("Type casts"))),
            Token::JsonString(_) => Err(self.unexpected(&next, "a string in single quotes")),
            _ => Err(self.unexpected(&next, "a property, a literal, a function or '('")),
        }
    }

    /// Reads what follows an operand. Gives the whole expression when nothing more belongs to it,
    /// and nothing when another operand is wanted.
    fn after(&mut self, mut operand: Operand) -> Result<Option<Operand>, Error> {
        loop {
            operand = self.postfix(operand)?;
            let next = self.peek()?;
            let at = next.at;
            let operator = Operator::parse(&next.token);
            operand = self.complete(operand, operator)?;
            if let Some(operator) = operator {
                self.next()?;
                return self.between(at, operator, operand);
            }
            let Some(bracket) = self.brackets.pop() else { return Ok(Some(operand)) };
            match self.close(bracket.kind, operand)? {
                Some(closed) => operand = closed,
                None => return Ok(None),
            }
        }
    }

    /// `has` and `in` hold more tightly than every other operator.
    fn postfix(&mut self, mut left: Operand) -> Result<Operand, Error> {
        loop {
            let at = self.peek()?.at;
            let height = left.height;
            if self.eat_name("has")? {
                let flag = Box::new(self.constant("a member of an enumeration")?);
                let kind = ExprKind::Has { left: Box::new(left.expr), flag };
                left = self.node(at, kind, height)?;
            } else if self.eat_name("in")? {
                let members = self.members()?;
                let kind = ExprKind::In { left: Box::new(left.expr), members };
                left = self.node(at, kind, height)?;
            } else {
                return Ok(left);
            }
        }
    }

    /// Makes nodes of the operators inside the same parentheses that have their operands when
    /// `next` follows.
    fn complete(&mut self, operand: Operand, next: Option<Operator>) -> Result<Operand, Error> {
        let outside = self.brackets.last().map_or(0, |bracket| bracket.outside);
        let mut operand = operand;
        while self.waiting.len() > outside
            && let Some(waiting) = self.waiting.pop_if(|last| last.is_complete_before(next))
        {
            operand = match waiting {
                Waiting::Prefix { at, make } => {
                    self.node(at, make(Box::new(operand.expr)), operand.height)?
                }
                Waiting::Sides { at, operator, left } => {
                    let height = left.height.max(operand.height);
                    let (left, right) = (Box::new(left.expr), Box::new(operand.expr));
                    let kind = match operator {
                        Sides::Compare(operator) => ExprKind::Compare { operator, left, right },
                        Sides::Arithmetic(operator) => {
                            ExprKind::Arithmetic { operator, left, right }
                        }
                    };
                    self.node(at, kind, height)?
                }
                Waiting::Chain { at, junction, mut items, height } => {
                    items.push(operand.expr);
                    let kind = match junction {
                        Junction::And => ExprKind::And(items),
                        Junction::Or => ExprKind::Or(items),
                    };
                    self.node(at, kind, height.max(operand.height))?
                }
            };
        }
        Ok(operand)
    }

    /// Lets an operator wait, with its left side.
    fn between(
        &mut self,
        at: usize,
        operator: Operator,
        left: Operand,
    ) -> Result<Option<Operand>, Error> {
        let junction = match operator {
            Operator::Sides(operator) => {
                return self.wait(at, Waiting::Sides { at, operator, left });
            }
            Operator::Chain(junction) => junction,
        };
        let outside = self.brackets.last().map_or(0, |bracket| bracket.outside);
        if let Some(Waiting::Chain { junction: same, items, height, .. }) =
            self.waiting[outside..].last_mut()
            && *same == junction
        {
            *height = left.height.max(*height);
            items.push(left.expr);
            return Ok(None);
        }
        let (items, height) = (vec![left.expr], left.height);
        self.wait(at, Waiting::Chain { at, junction, items, height })
    }

    /// The name and the parenthesis of a call were read.
    fn call(&mut self, name: &str, at: usize) -> Result<Option<Operand>, Error> {
        let Some(function) = Function::parse(name) else {
            return Err(self.error(at, Problem::UnknownFunction(name.to_owned())));
        };
        let arguments = Vec::new();
        if self.eat(&Token::Close)? {
            return self.called(at, function, arguments, 0).map(Some);
        }
        self.open(at, BracketKind::Call { at, function, arguments, height: 0 })
    }

    fn called(
        &mut self,
        at: usize,
        function: Function,
        arguments: Vec<Expr>,
        height: usize,
    ) -> Result<Operand, Error> {
        let given = arguments.len();
        if !function.arguments().contains(&given) {
            return Err(self.error(at, Problem::Arguments { function, given }));
        }
        self.node(at, ExprKind::Call { function, arguments }, height)
    }

    /// Ends what a parenthesis began, or goes on to the next argument; `inside` is what stands
    /// before the one or the other.
    fn close(&mut self, kind: BracketKind, inside: Operand) -> Result<Option<Operand>, Error> {
        const END: &str = "')' or an operator";
        match kind {
            BracketKind::Group => {
                self.expect(&Token::Close, END)?;
                Ok(Some(inside))
            }
            BracketKind::Call { at, function, mut arguments, height } => {
                let height = height.max(inside.height);
                arguments.push(inside.expr);
                let is_too_many = arguments.len() > *function.arguments().end();
                if is_too_many || self.eat(&Token::Close)? {
                    return self.called(at, function, arguments, height).map(Some);
                }
                self.expect(&Token::Comma, "',', ')' or an operator")?;
                self.open(at, BracketKind::Call { at, function, arguments, height })
            }
            BracketKind::Lambda { at, quantifier, collection, variable } => {
                self.expect(&Token::Close, END)?;
                self.variables.pop();
                let predicate = Some(Box::new(Predicate { variable, body: inside.expr }));
                let kind = ExprKind::Lambda { quantifier, collection, predicate };
                self.node(at, kind, inside.height).map(Some)
            }
        }
    }

    fn wait(&mut self, at: usize, operator: Waiting) -> Result<Option<Operand>, Error> {
        self.deepen(at)?;
        self.waiting.push(operator);
        Ok(None)
    }

    pub(super) fn open(&mut self, at: usize, kind: BracketKind) -> Result<Option<Operand>, Error> {
        self.deepen(at)?;
        self.brackets.push(Bracket { kind, outside: self.waiting.len() });
        Ok(None)
    }

    fn deepen(&self, at: usize) -> Result<(), Error> {
        if self.waiting.len() + self.brackets.len() < MAX_DEPTH {
            return Ok(());
        }
        Err(self.error(at, Problem::Limit(Limit::Depth)))
    }

    /// Makes a node above children of at most that height.
    fn node(&mut self, at: usize, kind: ExprKind, children: usize) -> Result<Operand, Error> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.error(at, Problem::Limit(Limit::Nodes)));
        }
        if children >= MAX_DEPTH {
            return Err(self.error(at, Problem::Limit(Limit::Depth)));
        }
        Ok(Operand { expr: Expr { at, kind }, height: children + 1 })
    }

    pub(super) fn leaf(&mut self, at: usize, kind: ExprKind) -> Result<Operand, Error> {
        self.node(at, kind, 0)
    }

    /// A constant where nothing else can stand: a literal, or a member of an enumeration without quotes,
    /// which is a path of one name. Not counted as a node: lists have their own limit.
    pub(super) fn constant(&mut self, expected: &'static str) -> Result<Expr, Error> {
        let Lexed { token, at, text, .. } = self.next()?;
        let kind = match token {
            Token::Literal(literal) => Some(ExprKind::Literal(literal)),
            Token::Name(name) => match keyword(name) {
                Some(literal) => Some(ExprKind::Literal(literal)),
                None if is_operator(name) || self.variables.contains(&name) => None,
                None => {
                    let path = Path { root: Root::Entity, segments: vec![name.to_owned()] };
                    Some(ExprKind::Path(path))
                }
            },
            _ => None,
        };
        kind.map(|kind| Expr { at, kind })
            .ok_or_else(|| self.error(at, Problem::Unexpected { expected, found: shown(text) }))
    }
}

fn is_operator(name: &str) -> bool {
    Operator::parse(&Token::Name(name)).is_some()
        || ["not", "in", "has"].iter().any(|operator| operator.eq_ignore_ascii_case(name))
}

/// The literal that a name is.
pub(super) fn keyword(name: &str) -> Option<Literal> {
    let is = |keyword: &str| name.eq_ignore_ascii_case(keyword);
    match () {
        () if is("null") => Some(Literal::Null),
        () if is("true") => Some(Literal::Boolean(true)),
        () if is("false") => Some(Literal::Boolean(false)),
        () => None,
    }
}
