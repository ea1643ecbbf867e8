//! Expressions that are evaluated on the parsed JSON as it is: paths, `int`, `has`, comparisons, `&&`, `||`, `!`, `in`,
//! the conditional, literals, and the tests of texts. The meaning is the engine's, its corners included: an error on one
//! side of `&&` does not matter if the other side is false.

use std::borrow::Cow;
use std::cmp::Ordering;

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue};
use regex::Regex;
use serde_json::Value as Json;

use super::value::Value;
use super::variables::{Bound, Variables};
use super::{call, headers, patterns};

/// A part of an expression.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    List(Vec<Node>),
    Variable(String),
    Select(Box<Node>, String),
    Has(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    ToInt(Box<Node>),
    Not(Box<Node>),
    /// `&&`, which false decides, or `||`, which true decides.
    Junction {
        decides: bool,
        sides: Box<(Node, Node)>,
    },
    Conditional(Box<(Node, Node, Node)>),
    /// `==`, or `!=` if `negated`.
    Equal {
        negated: bool,
        sides: Box<(Node, Node)>,
    },
    /// `<` and its like.
    Order {
        holds: fn(Ordering) -> bool,
        sides: Box<(Node, Node)>,
    },
    In(Box<(Node, Node)>),
    /// `contains` and its like.
    TextTest {
        test: fn(&str, &str) -> bool,
        sides: Box<(Node, Node)>,
    },
    Find(Box<Node>, Regex),
    Matches(Box<Node>, Regex),
}

impl Node {
    /// `expression` as a node; `None` if there is something in it that only the engine knows.
    pub(super) fn of(expression: &IdedExpr, patterns: &[Regex]) -> Option<Self> {
        let node = |part: &IdedExpr| Self::of(part, patterns);
        Some(match &expression.expr {
            Expr::Literal(literal) => literal_of(literal)?,
            // A type's name, or a pattern where the engine takes any value.
            Expr::Ident(name) if name.starts_with('@') => return None,
            Expr::Ident(name) => Self::Variable(name.clone()),
            Expr::List(list) if list.optional_indices.is_empty() => {
                Self::List(list.elements.iter().map(node).collect::<Option<_>>()?)
            }
            Expr::Select(select) => {
                let operand = Box::new(node(&select.operand)?);
                match select.test {
                    true => Self::Has(operand, select.field.clone()),
                    false => Self::Select(operand, select.field.clone()),
                }
            }
            called @ Expr::Call(_) => {
                let (function, arguments) = call(called)?;
                match arguments.as_slice() {
                    [one] => match function {
                        "!_" => Self::Not(Box::new(node(one)?)),
                        "int" if !is_method(called) => Self::ToInt(Box::new(node(one)?)),
                        _ => return None,
                    },
                    [text, pattern] if matches!(function, "find" | "matches") => {
                        let pattern = patterns::named(pattern, patterns)?.clone();
                        let text = Box::new(node(text)?);
                        match function {
                            "find" => Self::Find(text, pattern),
                            _ => Self::Matches(text, pattern),
                        }
                    }
                    [a, b] => Self::of_two(function, is_method(called), node(a)?, node(b)?)?,
                    [condition, then, otherwise] if function == "_?_:_" => {
                        let parts = (node(condition)?, node(then)?, node(otherwise)?);
                        Self::Conditional(Box::new(parts))
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    fn of_two(function: &str, is_method: bool, a: Node, b: Node) -> Option<Self> {
        let sides = Box::new((a, b));
        Some(match function {
            "_&&_" => Self::Junction { decides: false, sides },
            "_||_" => Self::Junction { decides: true, sides },
            "_==_" => Self::Equal { negated: false, sides },
            "_!=_" => Self::Equal { negated: true, sides },
            "_<_" => Self::Order { holds: Ordering::is_lt, sides },
            "_<=_" => Self::Order { holds: Ordering::is_le, sides },
            "_>_" => Self::Order { holds: Ordering::is_gt, sides },
            "_>=_" => Self::Order { holds: Ordering::is_ge, sides },
            "@in" => Self::In(sides),
            "_[_]" => {
                let (operand, key) = *sides;
                Self::Index(Box::new(operand), Box::new(key))
            }
            "contains" if is_method => Self::TextTest { test: |a, b| a.contains(b), sides },
            "startsWith" if is_method => Self::TextTest { test: |a, b| a.starts_with(b), sides },
            "endsWith" if is_method => Self::TextTest { test: |a, b| a.ends_with(b), sides },
            _ => return None,
        })
    }

    /// See [`super::Expression::is_decided_by`].
    pub(super) fn is_decided_by(&self, name: &str, asked: &[&str]) -> bool {
        let is_asked =
            |node: &Node| matches!(node, Node::Variable(used) if asked.contains(&used.as_str()));
        match self {
            Self::Junction { decides: false, sides } => {
                sides.0.is_decided_by(name, asked) && sides.1.is_decided_by(name, asked)
            }
            Self::Equal { negated: false, sides } if is_asked(&sides.0) || is_asked(&sides.1) => {
                true
            }
            other => other.looks_only_at(name),
        }
    }

    fn looks_only_at(&self, name: &str) -> bool {
        let only = |node: &Node| node.looks_only_at(name);
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Uint(_) => true,
            Self::Double(_) | Self::Text(_) => true,
            Self::Variable(used) => used == name,
            Self::List(items) => items.iter().all(only),
            Self::Select(operand, _) | Self::Has(operand, _) => only(operand),
            Self::ToInt(operand) | Self::Not(operand) => only(operand),
            Self::Find(operand, _) | Self::Matches(operand, _) => only(operand),
            Self::Index(operand, key) => only(operand) && only(key),
            Self::Conditional(parts) => only(&parts.0) && only(&parts.1) && only(&parts.2),
            Self::Junction { sides, .. }
            | Self::Equal { sides, .. }
            | Self::Order { sides, .. }
            | Self::In(sides)
            | Self::TextTest { sides, .. } => only(&sides.0) && only(&sides.1),
        }
    }

    /// Its value.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn evaluate<'a>(&'a self, variables: &Variables<'a>) -> Result<Value<'a>, String> {
        let value = |node: &'a Node| node.evaluate(variables);
        let truth = |node: &'a Node| value(node).and_then(|value| truth_of(&value));
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(int) => Value::Int(*int),
            Self::Uint(uint) => Value::Uint(*uint),
            Self::Double(double) => Value::Double(*double),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::List(items) => Value::List(items.iter().map(value).collect::<Result<_, _>>()?),
            Self::Variable(name) => match variables.get(name) {
                Some(Bound::Int(int)) => Value::Int(int),
                Some(Bound::Text(text)) => Value::Text(Cow::Borrowed(text)),
                Some(Bound::Json(json)) => Value::of(json),
                Some(Bound::Headers(map)) => Value::Headers(map),
                None => return Err(format!("there is no `{name}` here")),
            },
            Self::Select(operand, field) => {
                let operand = value(operand)?;
                field_of(&operand, field)?.ok_or_else(|| format!("no such key: {field}"))?
            }
            Self::Has(operand, field) => Value::Bool(field_of(&value(operand)?, field)?.is_some()),
            Self::Index(operand, key) => index(&value(operand)?, &value(key)?)?,
            Self::ToInt(operand) => Value::Int(to_int(&value(operand)?)?),
            Self::Not(operand) => Value::Bool(!truth(operand)?),
            Self::Junction { decides, sides } => {
                let left = truth(&sides.0);
                if left.as_ref() == Ok(decides) {
                    return Ok(Value::Bool(*decides));
                }
                let right = truth(&sides.1)?;
                if right != *decides {
                    left?;
                }
                Value::Bool(right)
            }
            Self::Conditional(parts) => match truth(&parts.0)? {
                true => value(&parts.1)?,
                false => value(&parts.2)?,
            },
            Self::Equal { negated, sides } => {
                Value::Bool(value(&sides.0)?.equals(&value(&sides.1)?) != *negated)
            }
            Self::Order { holds, sides } => {
                let (a, b) = (value(&sides.0)?, value(&sides.1)?);
                let order = a.compare(&b).ok_or_else(|| {
                    format!("{} does not compare with {}", a.described(), b.described())
                })?;
                Value::Bool(holds(order))
            }
            Self::In(sides) => Value::Bool(contains(&value(&sides.0)?, &value(&sides.1)?)?),
            Self::TextTest { test, sides } => {
                let (a, b) = (value(&sides.0)?, value(&sides.1)?);
                Value::Bool(test(text_of(&a)?, text_of(&b)?))
            }
            Self::Find(operand, pattern) => match value(operand)? {
                Value::Text(Cow::Borrowed(text)) => {
                    Value::Text(Cow::Borrowed(patterns::find(pattern, text)?))
                }
                other => Value::Text(patterns::find(pattern, text_of(&other)?)?.to_owned().into()),
            },
            Self::Matches(operand, pattern) => {
                Value::Bool(pattern.is_match(text_of(&value(operand)?)?))
            }
        })
    }
}

fn is_method(expression: &Expr) -> bool {
    matches!(expression, Expr::Call(call) if call.target.is_some())
}

fn literal_of(literal: &LiteralValue) -> Option<Node> {
    Some(match literal {
        LiteralValue::Null => Node::Null,
        LiteralValue::Boolean(bool) => Node::Bool(*bool.inner()),
        LiteralValue::Int(int) => Node::Int(*int.inner()),
        LiteralValue::UInt(uint) => Node::Uint(*uint.inner()),
        LiteralValue::Double(double) => Node::Double(*double.inner()),
        LiteralValue::String(text) => Node::Text(text.inner().to_owned()),
        LiteralValue::Bytes(_) => return None,
    })
}

fn truth_of(value: &Value<'_>) -> Result<bool, String> {
    match value {
        Value::Bool(bool) => Ok(*bool),
        other => Err(format!("it is {} where a bool is needed", other.described())),
    }
}

fn text_of<'v>(value: &'v Value<'_>) -> Result<&'v str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("it is {} where a string is needed", other.described())),
    }
}

/// The field of a map, if it has it.
fn field_of<'a>(operand: &Value<'a>, field: &str) -> Result<Option<Value<'a>>, String> {
    let none = || format!("{} has no `.{field}`", operand.described());
    match operand {
        Value::Json(Cow::Borrowed(Json::Object(fields))) => Ok(fields.get(field).map(Value::of)),
        Value::Headers(map) => Ok(headers::get(map, field).map(Value::Text)),
        _ => Err(none()),
    }
}

fn index<'a>(operand: &Value<'a>, key: &Value<'_>) -> Result<Value<'a>, String> {
    if let (Value::Headers(map), Value::Text(key)) = (operand, key) {
        return headers::get(map, key)
            .map(Value::Text)
            .ok_or_else(|| format!("no such key: {key}"));
    }
    if let Value::Json(Cow::Borrowed(Json::Object(fields))) = operand {
        return match key {
            Value::Text(key) => {
                fields.get(key.as_ref()).map(Value::of).ok_or_else(|| format!("no such key: {key}"))
            }
            key => Err(format!("{} is no key of a map of JSON", key.described())),
        };
    }
    let outside = |position: &dyn std::fmt::Display| format!("there is no element {position}");
    let position = match key {
        Value::Int(int) => usize::try_from(*int).map_err(|_| outside(int))?,
        Value::Uint(uint) => usize::try_from(*uint).map_err(|_| outside(uint))?,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number in range"
        )]
        Value::Double(double) if double.fract() == 0.0 && (0.0..1e15).contains(double) => {
            *double as usize
        }
        other => return Err(format!("{} is no place in a list", other.described())),
    };
    match operand {
        Value::Json(Cow::Borrowed(Json::Array(items))) => {
            items.get(position).map(Value::of).ok_or_else(|| outside(&position))
        }
        Value::List(items) => items.get(position).cloned().ok_or_else(|| outside(&position)),
        other => Err(format!("{} has no elements", other.described())),
    }
}

fn to_int(value: &Value<'_>) -> Result<i64, String> {
    match value {
        Value::Int(int) => Ok(*int),
        Value::Uint(uint) => i64::try_from(*uint).map_err(|_| "int: integer overflow".to_owned()),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "within the bounds that CEL sets"
        )]
        Value::Double(double) if *double > i64::MIN as f64 && *double < i64::MAX as f64 => {
            Ok(*double as i64)
        }
        Value::Double(_) => Err("int: integer overflow".to_owned()),
        Value::Text(text) => {
            text.parse().map_err(|_| format!("int: {:?} is no integer", shortened(text)))
        }
        other => Err(format!("int: it is {}", other.described())),
    }
}

/// As much of a service's text as a message needs.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn contains(item: &Value<'_>, container: &Value<'_>) -> Result<bool, String> {
    if let Value::Headers(map) = container {
        return contains(item, &Value::Json(Cow::Owned(headers::json(map))));
    }
    if let Some(items) = container.items() {
        return Ok(items.iter().any(|each| each.equals(item)));
    }
    match (container, item) {
        (Value::Json(map), Value::Text(key)) => Ok(map.get(key.as_ref()).is_some()),
        (Value::Json(_), Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
            Ok(false)
        }
        (Value::Json(_), other) => Err(format!("{} is no key of a map", other.described())),
        (other, _) => Err(format!("`in` needs a list or a map, and it is {}", other.described())),
    }
}
