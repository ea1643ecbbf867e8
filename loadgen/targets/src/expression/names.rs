//! Which names an expression uses, and whether there are such: a name that is mistyped is found when the file is read, not
//! when the first answer comes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};

use super::Wrong;
use crate::suggest;

/// The functions of the engine and our own, but for those in [`QUALIFIED`]. The engine does not list its own, so a test
/// holds that it knows each of these.
pub(super) const FUNCTIONS: [&str; 35] = [
    "bool",
    "bytes",
    "charAt",
    "contains",
    "distinct",
    "double",
    "dyn",
    "endsWith",
    "find",
    "flatten",
    "format",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "replace",
    "reverse",
    "size",
    "slice",
    "sort",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
    // Macros, which are gone from an expression that uses them as it should be: here for those who mistype the others.
    "all",
    "exists",
    "filter",
    "has",
    "map",
];

/// Functions whose names have a dot.
pub(super) const QUALIFIED: [&str; 20] = [
    "lists.range",
    "math.abs",
    "math.bitAnd",
    "math.bitNot",
    "math.bitOr",
    "math.bitShiftLeft",
    "math.bitShiftRight",
    "math.bitXor",
    "math.ceil",
    "math.floor",
    "math.greatest",
    "math.isFinite",
    "math.isInf",
    "math.isNaN",
    "math.least",
    "math.round",
    "math.sign",
    "math.sqrt",
    "math.trunc",
    "strings.quote",
];

/// Macros: if one is left over as a call, it has the wrong arguments.
const MACROS: [(&str, &str); 7] = [
    ("has", "has(body.field)"),
    ("all", "list.all(x, x > 0)"),
    ("exists", "list.exists(x, x > 0)"),
    ("exists_one", "list.exists_one(x, x > 0)"),
    ("filter", "list.filter(x, x > 0)"),
    ("map", "list.map(x, x.field)"),
    ("sortBy", "list.sortBy(x, x.field)"),
];

/// Types, which an expression may compare `type(...)` with.
const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "uint"];

/// The variables that `expression` uses, each once.
///
/// # Errors
/// The first name that there is not, or a comprehension in another where `nested` does not allow it.
pub(super) fn check(
    expression: &IdedExpr,
    names: &[&str],
    nested: bool,
) -> Result<Vec<String>, Wrong> {
    let mut check =
        Check { names, nested, scope: Vec::new(), loops: 0, used: Vec::new(), wrong: None };
    check.visit(expression);
    match check.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(check.used),
    }
}

/// Whether nothing in `expression` is nested deeper than `depth`.
pub(super) fn is_within(expression: &IdedExpr, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let each = |part: &IdedExpr| is_within(part, depth);
    match &expression.expr {
        Expr::Call(call) => call.target.as_deref().is_none_or(each) && call.args.iter().all(each),
        Expr::Comprehension(loops) => {
            let parts = [
                &loops.iter_range,
                &loops.accu_init,
                &loops.loop_cond,
                &loops.loop_step,
                &loops.result,
            ];
            parts.into_iter().all(each)
        }
        Expr::List(list) => list.elements.iter().all(each),
        Expr::Map(map) => map.entries.iter().all(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => each(&entry.key) && each(&entry.value),
            EntryExpr::StructField(field) => each(&field.value),
        }),
        Expr::Select(select) => each(&select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => true,
    }
}

struct Check<'n> {
    names: &'n [&'n str],
    nested: bool,
    /// The names that comprehensions around this place have.
    scope: Vec<String>,
    /// How many comprehensions run this place once per element.
    loops: usize,
    used: Vec<String>,
    wrong: Option<Wrong>,
}

impl Check<'_> {
    fn visit(&mut self, expression: &IdedExpr) {
        match &expression.expr {
            Expr::Call(call) => self.call(expression.id, call),
            Expr::Comprehension(loops) => self.comprehension(expression.id, loops),
            Expr::Ident(name) => self.variable(expression.id, name),
            Expr::List(list) => list.elements.iter().for_each(|part| self.visit(part)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    self.visit(&entry.key);
                    self.visit(&entry.value);
                }
            }),
            Expr::Select(select) => {
                if is_headers(&select.operand) {
                    self.header(expression.id, &select.field);
                }
                self.visit(&select.operand);
            }
            Expr::Struct(message) => {
                let problem = format!("there is no message type `{}`", message.type_name);
                self.found(expression.id, problem, "a map is written {'key': value}".to_owned());
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn call(&mut self, id: u64, call: &CallExpr) {
        if let Some(IdedExpr { expr: Expr::Ident(namespace), .. }) = call.target.as_deref()
            && ["lists", "math", "strings"].contains(&namespace.as_str())
            && !self.names.contains(&namespace.as_str())
        {
            let name = format!("{namespace}.{}", call.func_name);
            if !QUALIFIED.contains(&name.as_str()) {
                let known = QUALIFIED.iter().filter_map(|known| known.split_once('.'));
                let own = known.filter(|(space, _)| space == namespace).map(|(_, own)| own);
                let hint = match suggest::closest(&call.func_name, own) {
                    Some(like) => format!("did you mean `{namespace}.{like}`?"),
                    None => format!("there are {}", QUALIFIED.join(", ")),
                };
                self.found(id, format!("unknown function `{name}`"), hint);
            }
        } else {
            self.function(id, &call.func_name);
            if let Some(target) = &call.target {
                self.visit(target);
            }
        }
        if let ("_[_]", [operand, key]) = (call.func_name.as_str(), call.args.as_slice())
            && is_headers(operand)
            && let Expr::Literal(LiteralValue::String(name)) = &key.expr
        {
            self.header(key.id, name.inner());
        }
        call.args.iter().for_each(|argument| self.visit(argument));
    }

    fn function(&mut self, id: u64, name: &str) {
        // Operators are functions whose names no text can spell.
        let spelled = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if let Some((_, usage)) = MACROS.iter().find(|(macro_name, _)| *macro_name == name) {
            self.found(
                id,
                format!("wrong arguments for `{name}`"),
                format!("it is used as {usage}"),
            );
        } else if spelled && !FUNCTIONS.contains(&name) {
            self.found(id, format!("unknown function `{name}`"), nearest(name, &FUNCTIONS));
        }
    }

    fn comprehension(&mut self, id: u64, loops: &ComprehensionExpr) {
        if self.loops > 0 && !self.nested {
            let hint =
                "a list of 2,000 elements squared takes seconds, for every answer".to_owned();
            self.found(id, "a comprehension within another is refused here".to_owned(), hint);
        }
        self.visit(&loops.iter_range);
        self.visit(&loops.accu_init);
        let outside = self.scope.len();
        self.scope.extend([loops.iter_var.clone(), loops.accu_var.clone()]);
        self.scope.extend(loops.iter_var2.clone());
        self.loops += 1;
        self.visit(&loops.loop_cond);
        self.visit(&loops.loop_step);
        self.loops -= 1;
        self.visit(&loops.result);
        self.scope.truncate(outside);
    }

    fn variable(&mut self, id: u64, name: &str) {
        if self.scope.iter().any(|bound| bound == name) {
            return;
        }
        if self.names.contains(&name) {
            if !self.used.iter().any(|used| used == name) {
                self.used.push(name.to_owned());
            }
        } else if !TYPES.contains(&name) {
            let mut hint = nearest(name, self.names);
            if hint.is_empty() && !self.names.is_empty() {
                hint = format!("there are {}", self.names.join(", "));
            }
            self.found(id, format!("unknown name `{name}`"), hint);
        }
    }

    /// The names of headers are lower case in `headers`, whatever the service writes.
    fn header(&mut self, id: u64, name: &str) {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let hint = format!("write headers['{}']", name.to_ascii_lowercase());
            self.found(id, "the names of headers are lower case here".to_owned(), hint);
        }
    }

    /// Keeps what comes first in the text: nodes are numbered as they are read.
    fn found(&mut self, node: u64, problem: String, hint: String) {
        if self.wrong.as_ref().is_none_or(|wrong| node < wrong.node) {
            self.wrong = Some(Wrong { node, problem, hint });
        }
    }
}

fn is_headers(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == "headers")
}

/// A suggestion for `name`, if one of `known` is like it.
fn nearest(name: &str, known: &[&str]) -> String {
    let like = suggest::closest(name, known.iter().copied());
    like.map_or_else(String::new, |like| format!("did you mean `{like}`?"))
}
