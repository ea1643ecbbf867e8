//! The crate `cel`, with the extensions that files may use and the two functions that are ours. Only the variables that an
//! expression uses are built, and their texts are borrowed from the answer.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::SourceInfo;
use cel::common::functions::Function;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
    STRING_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Context, DeclarationError, Env, ExecutionError, IdedExpr, extensions};
use regex::Regex;
use serde_json::Value as Json;

use super::patterns::{self, Patterns};
use super::value::Value;
use super::{Bound, ExpressionError, Variables, headers, names};
use crate::pattern;

/// The functions that there are. Optional values (`a.?b`) are left out: `has` says the same in one way.
static ENV: LazyLock<Result<Arc<Env>, DeclarationError>> = LazyLock::new(|| {
    let mut env = Env::stdlib().with_optional_support(false);
    extensions::strings(&mut env)?;
    extensions::math(&mut env)?;
    extensions::lists(&mut env)?;
    let ours: [(&str, Function); 2] = [("find", find), ("matches", matches)];
    for (function, evaluate) in ours {
        for pattern in [STRING_TYPE, PATTERN_TYPE.to_owned()] {
            let kind = pattern.name().to_owned();
            let arguments = vec![STRING_TYPE, pattern.to_owned()];
            env.add_overload(function, &format!("{function}({kind})"), arguments, evaluate)?;
            let id = format!("string.{function}({kind})");
            env.add_member_overload(function, &id, STRING_TYPE, vec![pattern], evaluate)?;
        }
    }
    Ok(Arc::new(env))
});

/// An expression that the engine evaluates.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) expression: IdedExpr,
    pub(super) patterns: Patterns,
}

/// The stack that parsing has: the parser descends some ten calls per bracket, and a thread of a test or of the harness
/// has too little for the deepest text that [`super::MAX_EXPRESSION_BYTES`] allows.
const PARSER_STACK_BYTES: usize = 64 << 20;

/// How deep an expression may be: what is nested deeper is written by a program, and would cost every evaluation its stack.
const MAX_DEPTH: usize = 48;

/// Parses `text`, with the macros expanded.
pub(super) fn parse(text: &str) -> Result<(IdedExpr, SourceInfo), ExpressionError> {
    let parsed = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(PARSER_STACK_BYTES);
        builder.spawn_scoped(scope, || parse_here(text)).map(|parser| parser.join())
    });
    let broken = |problem: &str| ExpressionError::at_start(problem.to_owned());
    parsed
        .map_err(|error| broken(&format!("no thread for the parser: {error}")))?
        .unwrap_or_else(|_| Err(broken("the parser cannot make sense of it")))
}

fn parse_here(text: &str) -> Result<(IdedExpr, SourceInfo), ExpressionError> {
    let env = ENV.as_ref().map_err(|error| ExpressionError::at_start(error.to_string()))?;
    let parsed = env.parser().parse_with_source_info(text).map_err(|errors| {
        let Some(error) = errors.errors.into_iter().next() else {
            return ExpressionError::at_start("it cannot be parsed".to_owned());
        };
        let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
        let column = usize::try_from(error.pos.1).unwrap_or(1).max(1);
        ExpressionError { line, column, problem: error.msg, hint: String::new() }
    })?;
    if !names::is_within(&parsed.0, MAX_DEPTH) {
        let problem = format!("it is nested deeper than {MAX_DEPTH} levels");
        return Err(ExpressionError::at_start(problem));
    }
    Ok(parsed)
}

impl Compiled {
    /// Its value with `variables`, of which it uses the ones named `used`.
    pub(super) fn evaluate<'a>(
        &'a self,
        used: &[String],
        variables: &Variables<'a>,
    ) -> Result<Value<'a>, String> {
        let env = ENV.as_ref().map_err(ToString::to_string)?;
        let mut context = Context::with_env(Arc::clone(env));
        for name in used {
            let bound = variables.get(name).ok_or_else(|| format!("there is no `{name}` here"))?;
            context.add_variable_as_val(name.as_str(), value_of(bound));
        }
        for (number, pattern) in self.patterns.iter().enumerate() {
            let pattern = Pattern(pattern.clone());
            context.add_variable_as_val(patterns::name(number), Box::new(pattern));
        }
        let value =
            cel::Value::resolve_val(&self.expression, &context).map_err(|e| explained(&e))?;
        returned(&*value)
    }
}

fn value_of<'v>(bound: Bound<'v>) -> Box<dyn Val + 'v> {
    match bound {
        Bound::Int(int) => Box::new(CelInt::from(int)),
        Bound::Text(text) => Box::new(CelString::from(text)),
        Bound::Json(json) => value_of_json(json),
        Bound::Headers(map) => {
            let fields = map.keys().filter_map(|name| {
                let text: Box<dyn Val + 'v> =
                    Box::new(CelString::from(headers::get(map, name.as_str())?));
                Some((CelMapKey::from(name.as_str()), text))
            });
            Box::new(CelMap::from(fields.collect::<HashMap<_, _>>()))
        }
    }
}

fn value_of_json<'v>(json: &'v Json) -> Box<dyn Val + 'v> {
    match Value::of(json) {
        Value::Null => Box::new(CelNull),
        Value::Bool(bool) => Box::new(CelBool::from(bool)),
        Value::Int(int) => Box::new(CelInt::from(int)),
        Value::Uint(uint) => Box::new(CelUInt::from(uint)),
        Value::Double(double) => Box::new(CelDouble::from(double)),
        Value::Text(text) => Box::new(CelString::from(text)),
        Value::Json(_) | Value::List(_) | Value::Headers(_) => match json {
            Json::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| (CelMapKey::from(key.as_str()), value_of_json(value)));
                Box::new(CelMap::from(fields.collect::<HashMap<_, _>>()))
            }
            json => {
                let items = json.as_array().into_iter().flatten();
                Box::new(CelList::from(items.map(value_of_json).collect::<Vec<_>>()))
            }
        },
    }
}

/// What the engine found, as a value of ours.
fn returned(value: &dyn Val) -> Result<Value<'static>, String> {
    let value = cel::Value::try_from(value).map_err(|error| explained(&error))?;
    match value {
        cel::Value::Float(double) => Ok(Value::Double(double)),
        cel::Value::UInt(uint) => Ok(Value::Uint(uint)),
        cel::Value::String(text) => Ok(Value::Text(Cow::Owned(Arc::unwrap_or_clone(text)))),
        value => value.json().map(Value::from_json).map_err(|error| error.to_string()),
    }
}

/// The engine's error in words: it writes values as the program holds them.
fn explained(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::FunctionError { function, message } => format!("{function}: {message}"),
        ExecutionError::NoSuchOverload(overload) => format!(
            "`{}` does not take ({})",
            overload.function(),
            overload.argument_types().join(", ")
        ),
        other => other.to_string(),
    }
}

/// The type of a compiled regular expression. No text can spell its name.
static PATTERN_TYPE: Type = Type::new_unspecified_type("@pattern");

/// A compiled regular expression as the engine's value.
#[derive(Debug, Clone)]
struct Pattern(Regex);

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

fn find<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    with_pattern("find", &arguments, |pattern, text| {
        let found = patterns::find(pattern, text)?;
        Ok(CowVal::owned(CelString::from(found.to_owned())))
    })
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    with_pattern("matches", &arguments, |pattern, text| {
        Ok(CowVal::owned(CelBool::from(pattern.is_match(text))))
    })
}

fn with_pattern<'b, 'v>(
    function: &str,
    arguments: &[CowVal<'b, 'v>],
    evaluate: impl FnOnce(&Regex, &str) -> Result<CowVal<'b, 'v>, String>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, given] = arguments else {
        return Err(ExecutionError::invalid_argument_count(2, arguments.len()));
    };
    let failed = |message: String| ExecutionError::function_error(function, message);
    let text =
        text.downcast_ref::<CelString<'_>>().ok_or_else(|| failed("no string".to_owned()))?;
    if let Some(Pattern(pattern)) = given.downcast_ref::<Pattern>() {
        return evaluate(pattern, text.inner()).map_err(failed);
    }
    let given = given
        .downcast_ref::<CelString<'_>>()
        .ok_or_else(|| failed("no regular expression".to_owned()))?;
    let pattern = pattern::build(given.inner()).map_err(failed)?;
    evaluate(&pattern, text.inner()).map_err(failed)
}
