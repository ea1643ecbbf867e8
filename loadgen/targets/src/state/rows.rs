//! The kinds of rows, and how one is made of the values that its expressions find.

use serde_json::Value as Json;

use crate::client::Dumped;
use crate::expression::{Expression, Variables};
use crate::file::Row;
use crate::name;
use crate::order_no::OrderNo;
use crate::problem::FieldProblem;

/// An order as a place keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub order_no: OrderNo,
    /// The stock.
    pub stock: String,
    /// The side, as the target writes it.
    pub side: String,
    /// How many.
    pub quantity: i64,
}

/// A stock as a place keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct StockRow {
    /// Its name.
    pub stock: String,
    /// How many there are.
    pub quantity: i64,
    /// How many were ever traded, if the place says so.
    pub volume: Option<i64>,
    /// Its price, if the place says so.
    pub price: Option<f64>,
}

/// A register as a place keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterRow {
    /// Its name.
    pub register: String,
    /// What it holds.
    pub value: Json,
}

/// An entry of a log as a place keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// The log's name, if the place says so.
    pub register: Option<String>,
    /// What it is.
    pub value: Json,
    /// Where it is, if the place says so.
    pub position: Option<i64>,
}

/// A kind of row.
pub trait StateRow: Sized {
    /// The values that it has, and whether each must be there.
    const FIELDS: &'static [(&'static str, bool)];

    /// What a client program is asked to dump, to have such rows.
    const DUMPED: Dumped;

    /// The row with these values.
    ///
    /// # Errors
    /// The first value that is missing or makes no sense.
    fn of(values: &Values<'_>) -> Result<Self, String>;
}

impl StateRow for OrderRow {
    const FIELDS: &'static [(&'static str, bool)] =
        &[("order_no", true), ("stock", true), ("side", true), ("quantity", true)];
    const DUMPED: Dumped = Dumped::Orders;

    fn of(values: &Values<'_>) -> Result<Self, String> {
        let order_no = values.json("order_no")?.ok_or("it has no order_no")?;
        Ok(Self {
            order_no: OrderNo::from_json(order_no)
                .map_err(|problem| format!("order_no: {problem}"))?,
            stock: values.name("stock")?,
            side: values.name("side")?,
            quantity: values.int("quantity")?.ok_or("it has no quantity")?,
        })
    }
}

impl StateRow for StockRow {
    const FIELDS: &'static [(&'static str, bool)] =
        &[("stock", true), ("quantity", true), ("volume", false), ("price", false)];
    const DUMPED: Dumped = Dumped::Stocks;

    fn of(values: &Values<'_>) -> Result<Self, String> {
        let price = match values.json("price")? {
            None | Some(Json::Null) => None,
            Some(price) => Some(price.as_f64().ok_or_else(|| {
                format!("price: {} is no number", name::excerpt(&price.to_string()))
            })?),
        };
        Ok(Self {
            stock: values.name("stock")?,
            quantity: values.int("quantity")?.ok_or("it has no quantity")?,
            volume: values.int("volume")?,
            price,
        })
    }
}

impl StateRow for RegisterRow {
    const FIELDS: &'static [(&'static str, bool)] = &[("register", true), ("value", true)];
    const DUMPED: Dumped = Dumped::Registers;

    fn of(values: &Values<'_>) -> Result<Self, String> {
        Ok(Self {
            register: values.name("register")?,
            value: values.json("value")?.ok_or("it has no value")?,
        })
    }
}

impl StateRow for EntryRow {
    const FIELDS: &'static [(&'static str, bool)] =
        &[("register", false), ("value", true), ("position", false)];
    const DUMPED: Dumped = Dumped::Log;

    fn of(values: &Values<'_>) -> Result<Self, String> {
        let register = values.fields.get("register").map(|_| values.name("register"));
        Ok(Self {
            register: register.transpose()?,
            value: values.json("value")?.ok_or("it has no value")?,
            position: values.int("position")?,
        })
    }
}

/// The values of one row.
#[derive(Debug)]
pub struct Values<'a> {
    fields: &'a Fields,
    variables: &'a Variables<'a>,
}

impl Values<'_> {
    fn json(&self, field: &str) -> Result<Option<Json>, String> {
        let value = self.fields.get(field).map(|expression| expression.json(self.variables));
        value.transpose().map_err(|error| format!("{field}: {error}"))
    }

    fn int(&self, field: &str) -> Result<Option<i64>, String> {
        let value = self.fields.get(field).map(|expression| expression.int(self.variables));
        value.transpose().map_err(|error| format!("{field}: {error}"))
    }

    fn name(&self, field: &str) -> Result<String, String> {
        let expression = self.fields.get(field).ok_or_else(|| format!("it has no {field}"))?;
        let text =
            expression.string(self.variables).map_err(|error| format!("{field}: {error}"))?;
        name::checked(text).map_err(|problem| format!("{field}: {problem}"))
    }
}

/// The expressions of a source's rows.
#[derive(Debug)]
pub(super) struct Fields(Vec<(&'static str, Expression)>);

impl Fields {
    /// Those of `row`; what it does not give is the value of the same name, where rows have names.
    pub(super) fn compile<T: StateRow>(
        row: Option<&Row>,
        columns: bool,
        names: &[&str],
        problems: &mut Vec<FieldProblem>,
    ) -> Self {
        let mut compiled = Vec::new();
        for &(field, required) in T::FIELDS {
            let given = row
                .and_then(|row| row.each().find(|(name, _)| *name == field))
                .map(|(_, text)| text.to_owned());
            let dotted = format!("row.{field}");
            let text = match given {
                Some(text) => text,
                None if !required => continue,
                None if columns => {
                    problems.push(FieldProblem::new(
                        &dotted,
                        "it is missing",
                        "say which column it is: col[0] is the first",
                    ));
                    continue;
                }
                None => dotted.clone(),
            };
            match Expression::compile(&text, names) {
                Ok(expression) => compiled.push((field, expression)),
                Err(error) => problems.push(FieldProblem::of_expression(&dotted, error)),
            }
        }
        for (field, _) in row.into_iter().flat_map(Row::each) {
            if !T::FIELDS.iter().any(|(known, _)| *known == field) {
                let known: Vec<_> = T::FIELDS.iter().map(|(known, _)| *known).collect();
                let hint = format!("a row here has {}", known.join(", "));
                problems.push(FieldProblem::new(
                    &format!("row.{field}"),
                    "there is no such value here",
                    hint,
                ));
            }
        }
        Self(compiled)
    }

    /// The row that `variables` are.
    pub(super) fn row<T: StateRow>(&self, variables: &Variables<'_>) -> Result<T, String> {
        T::of(&Values { fields: self, variables })
    }

    fn get(&self, field: &str) -> Option<&Expression> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, expression)| expression)
    }
}
