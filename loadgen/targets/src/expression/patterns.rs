//! Regular expressions in expressions. One that is written down as a literal is compiled when the file is read: a bad one
//! is an error with its place, and no answer pays for it. The literal's place in the expression takes the name of a
//! variable that no text can spell, which the engine and the direct evaluation both know. One that is put together from
//! an answer can only be compiled when the answer is there.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use regex::Regex;

use super::Wrong;
use crate::pattern;

/// The regular expressions of one expression, by number.
pub(super) type Patterns = Vec<Regex>;

/// The name under which the expression knows the pattern `number`.
pub(super) fn name(number: usize) -> String {
    format!("@pattern{number}")
}

/// The pattern that `expression` stands for, if it is one.
pub(super) fn named<'p>(expression: &IdedExpr, patterns: &'p [Regex]) -> Option<&'p Regex> {
    let Expr::Ident(name) = &expression.expr else { return None };
    patterns.get(name.strip_prefix("@pattern")?.parse::<usize>().ok()?)
}

/// The first group of the first match of `pattern` in `text`; the whole match if the pattern has no group.
pub(super) fn find<'t>(pattern: &Regex, text: &'t str) -> Result<&'t str, String> {
    let missing = || format!("no match of /{pattern}/");
    let captures = pattern.captures(text).ok_or_else(missing)?;
    let group = usize::from(captures.len() > 1);
    captures.get(group).map(|group| group.as_str()).ok_or_else(missing)
}

/// Takes the literal patterns out of `expression`.
pub(super) fn compile(expression: &mut IdedExpr) -> Result<Patterns, Wrong> {
    let mut patterns = Vec::new();
    take(expression, &mut patterns)?;
    Ok(patterns)
}

fn take(expression: &mut IdedExpr, patterns: &mut Patterns) -> Result<(), Wrong> {
    match &mut expression.expr {
        Expr::Call(call) => {
            let with_pattern = matches!(call.func_name.as_str(), "find" | "matches");
            let literal = call.args.last_mut().filter(|_| with_pattern);
            if let Some(literal) = literal
                && let Expr::Literal(LiteralValue::String(text)) = &literal.expr
            {
                let pattern = pattern::build(text.inner()).map_err(|problem| {
                    let hint = "a backslash is written twice, or the literal as r'...'".to_owned();
                    Wrong { node: literal.id, problem, hint }
                })?;
                literal.expr = Expr::Ident(name(patterns.len()));
                patterns.push(pattern);
            }
            call.target
                .as_deref_mut()
                .into_iter()
                .chain(&mut call.args)
                .try_for_each(|part| take(part, patterns))
        }
        Expr::Comprehension(loops) => [
            &mut loops.iter_range,
            &mut loops.accu_init,
            &mut loops.loop_cond,
            &mut loops.loop_step,
            &mut loops.result,
        ]
        .into_iter()
        .try_for_each(|part| take(part, patterns)),
        Expr::List(list) => list.elements.iter_mut().try_for_each(|part| take(part, patterns)),
        Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
            EntryExpr::MapEntry(entry) => {
                take(&mut entry.key, patterns)?;
                take(&mut entry.value, patterns)
            }
            EntryExpr::StructField(field) => take(&mut field.value, patterns),
        }),
        Expr::Select(select) => take(&mut select.operand, patterns),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => Ok(()),
    }
}
