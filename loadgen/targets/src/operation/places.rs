//! What is put into one request, and what its answer's expressions see of it.

use minijinja::value::{Serde, Value as Rendered};
use serde_json::Value as Json;

use crate::expression::{Bound, Variables};
use crate::order_no::OrderNo;

/// The values of one request. Those that its kind does not have are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places<'a> {
    /// The stock.
    pub stock: Option<&'a str>,
    /// The side, as the model's sides say.
    pub side: Option<&'a str>,
    /// How many.
    pub quantity: Option<i64>,
    /// The order.
    pub order_no: Option<&'a OrderNo>,
    /// The same for every attempt at this operation.
    pub key: &'a str,
    /// Which client.
    pub client: u32,
    /// The register, or the log.
    pub register: Option<&'a str>,
    /// What is written.
    pub value: Option<&'a Json>,
    /// What is expected to be there.
    pub expected: Option<&'a Json>,
    /// From where on a log is read.
    pub position: Option<i64>,
}

impl<'a> Places<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Bound<'a>> {
        match name {
            "stock" => self.stock.map(Bound::Text),
            "side" => self.side.map(Bound::Text),
            "quantity" => self.quantity.map(Bound::Int),
            "order_no" => self.order_no.map(OrderNo::bound),
            "key" => Some(Bound::Text(self.key)),
            "client" => Some(Bound::Int(i64::from(self.client))),
            "register" => self.register.map(Bound::Text),
            "value" => self.value.map(Bound::Json),
            "expected" => self.expected.map(Bound::Json),
            "position" => self.position.map(Bound::Int),
            _ => None,
        }
    }

    /// Those of `names` for templates.
    pub(super) fn rendered(&self, names: &[&'static str]) -> Vec<(&'static str, Rendered)> {
        let value = |bound| match bound {
            Bound::Int(int) => Rendered::from(int),
            Bound::Text(text) => Rendered::from(text),
            Bound::Json(json) => Rendered::from(Serde(json)),
            // No place is filled in with headers.
            Bound::Headers(_) => Rendered::UNDEFINED,
        };
        names.iter().filter_map(|name| Some((*name, value(self.get(name)?)))).collect()
    }

    /// Those of `names` for expressions, besides `variables`.
    pub(super) fn bind<'b>(
        &self,
        names: &[&'static str],
        mut variables: Variables<'b>,
    ) -> Variables<'b>
    where
        'a: 'b,
    {
        for &name in names {
            if let Some(bound) = self.get(name) {
                variables = variables.with(name, bound);
            }
        }
        variables
    }

    /// The texts among them that may come from the service.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let order_no = self.order_no.and_then(|order_no| match order_no {
            OrderNo::Text(text) => Some(text.as_str()),
            OrderNo::Number(_) => None,
        });
        let texts = [
            ("stock", self.stock),
            ("side", self.side),
            ("order_no", order_no),
            ("register", self.register),
        ];
        texts.into_iter().filter_map(|(place, text)| Some((place, text?)))
    }
}
