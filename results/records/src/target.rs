//! The system under test as a run's manifest describes it: which facts there are of it, and what it promises.
//!
//! What follows from something else is worked out here, when a target is made or read: promises and lists of
//! processes are facts, too. So nobody has to ask twice, and no file can contradict itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Fact;

/// What a target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Stocks, and orders that change them.
    #[default]
    Stocks,
    /// Keys with values: read, write, compare-and-set.
    Register,
    /// Logs: append, read.
    Log,
}

impl Model {
    /// What changes something there, in a word.
    #[must_use]
    pub fn change(self) -> &'static str {
        match self {
            Self::Stocks => "trade",
            Self::Register => "write",
            Self::Log => "append",
        }
    }

    /// A text for people in the words of this model: texts speak of queries and trades, and of a register of reads and writes. Whole
    /// words are replaced, so that names keep theirs.
    #[must_use]
    pub fn worded(self, text: &str) -> String {
        if self == Self::Stocks {
            return text.to_owned();
        }
        let change = self.change();
        let mut worded = String::with_capacity(text.len());
        let is_of_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        for piece in text.split_inclusive(|c| !is_of_word(c)) {
            let word = piece.trim_end_matches(|c| !is_of_word(c));
            let rest = &piece[word.len()..];
            match word {
                "query" => worded.push_str("read"),
                "queries" => worded.push_str("reads"),
                "trade" => worded.push_str(change),
                "trades" => worded.extend([change, "s"]),
                "traded" => worded.push_str(if self == Self::Log { "appended" } else { "written" }),
                "Trades" => {
                    let (first, others) = change.split_at(1);
                    worded.extend([&first.to_uppercase(), others, "s"]);
                }
                other => worded.push_str(other),
            }
            worded.push_str(rest);
        }
        for (of_stocks, noun) in [("order lost", change), ("orders lost", &format!("{change}s"))] {
            worded = worded.replace(&format!(" {of_stocks}"), &format!(" {noun} lost"));
        }
        worded
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
    fn is_stocks(&self) -> bool {
        *self == Self::Stocks
    }
}

/// How the orders, or the stocks, of several processes are to agree in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replication {
    /// The same, in the same order.
    #[default]
    Identical,
    /// The same, in any order.
    SameSet,
    /// Each holds a part.
    Partitioned,
    /// Nothing is promised.
    None,
}

impl Replication {
    /// Whether each process is to hold everything.
    #[must_use]
    pub fn is_full(self) -> bool {
        matches!(self, Self::Identical | Self::SameSet)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// How orders are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbering {
    /// Later trades have larger numbers.
    #[default]
    Sequence,
    /// Numbers are unique, and say nothing else.
    Unique,
}

/// What an acknowledgement is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acknowledged {
    /// What was acknowledged stays.
    #[default]
    Durable,
    /// It may be lost: a loss is a figure, and no violation.
    MayBeLost,
}

/// Which trades there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// Some take from a stock, some add to it.
    #[default]
    Both,
    /// All take from it.
    Takes,
    /// All add to it.
    Adds,
}

/// Whether stocks change without a trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restock {
    /// They do not.
    #[default]
    None,
    /// They do, and nobody says when.
    Unmodelled,
}

/// What a target promises. The default is what the built-in bazaar does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Promises {
    /// How orders are numbered.
    pub order_no: Numbering,
    /// The number of a trial's first order.
    pub first_order_no: u64,
    /// Whether no number is left out.
    pub gapless: bool,
    /// What an acknowledgement is worth.
    pub acknowledged: Acknowledged,
    /// How the orders of several replicas agree.
    pub replicated_orders: Replication,
    /// How the stocks of several processes agree.
    pub replicated_stocks: Replication,
    /// How the registers, or the log, of several processes agree. The bazaar has neither, and of runs made before anybody
    /// could say it nothing was promised.
    #[serde(skip_serializing_if = "Replication::is_none")]
    pub replicated_keys: Replication,
    /// Which trades there are.
    pub sides: Sides,
    /// Whether stocks change without a trade.
    pub restock: Restock,
}

impl Default for Promises {
    fn default() -> Self {
        Self {
            order_no: Numbering::default(),
            first_order_no: 1,
            gapless: true,
            acknowledged: Acknowledged::default(),
            replicated_orders: Replication::default(),
            replicated_stocks: Replication::default(),
            replicated_keys: Replication::None,
            sides: Sides::default(),
            restock: Restock::default(),
        }
    }
}

/// A system under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub description: String,
    #[serde(skip_serializing_if = "Model::is_stocks")]
    model: Model,
    facts: BTreeSet<Fact>,
    promises: Promises,
    orders_of: Vec<String>,
    stocks_of: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys_of: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u64>,
}

/// A target as it stands in a file, before what follows from it is worked out.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    model: Model,
    #[serde(default)]
    facts: BTreeSet<Fact>,
    #[serde(default)]
    promises: Promises,
    #[serde(default)]
    orders_of: Vec<String>,
    #[serde(default)]
    stocks_of: Vec<String>,
    #[serde(default)]
    keys_of: Vec<String>,
    #[serde(default)]
    initial: Option<String>,
    #[serde(default)]
    deadline_ms: Option<u64>,
}

impl From<Written> for Target {
    fn from(written: Written) -> Self {
        let Written { name, description, model, facts, promises, .. } = written;
        let Written { orders_of, stocks_of, keys_of, initial, deadline_ms, .. } = written;
        let target = Self::new(name, facts, promises).described(description);
        let target = target.holding(orders_of, stocks_of).keeping(model, keys_of, initial);
        deadline_ms.into_iter().fold(target, Self::with_deadline_ms)
    }
}

impl Target {
    /// A target that gives these facts and promises this. Promises that are listed as facts do not count.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        given: impl IntoIterator<Item = Fact>,
        promises: Promises,
    ) -> Self {
        let target = Self {
            name: name.into(),
            description: String::new(),
            model: Model::default(),
            facts: given.into_iter().collect(),
            promises,
            orders_of: Vec::new(),
            stocks_of: Vec::new(),
            keys_of: Vec::new(),
            initial: None,
            deadline_ms: None,
        };
        target.with_what_follows()
    }

    /// The same with a line that says what it is.
    #[must_use]
    pub fn described(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// The same, of which the orders of these processes are read at a trial's end, and the stocks of those.
    #[must_use]
    pub fn holding(self, orders_of: Vec<String>, stocks_of: Vec<String>) -> Self {
        Self { orders_of, stocks_of, ..self }.with_what_follows()
    }

    /// The same, which is such a thing; what its registers or its log hold is read of these at a trial's end. Each register
    /// holds `initial` at first, which is JSON; nothing if that is `None`.
    #[must_use]
    pub fn keeping(self, model: Model, keys_of: Vec<String>, initial: Option<String>) -> Self {
        Self { model, keys_of, initial, ..self }.with_what_follows()
    }

    /// The same, of which no operation may last longer than this.
    #[must_use]
    pub fn with_deadline_ms(self, deadline_ms: u64) -> Self {
        Self { deadline_ms: Some(deadline_ms), ..self }
    }

    /// The built-in bazaar with so many order replicas: of stocks there is no fact that it lacks.
    #[must_use]
    pub fn bazaar(replicas: u8) -> Self {
        let orders_of = (1..=replicas).map(|id| format!("order-{id}")).collect();
        let of_stocks = Fact::ALL.into_iter().filter(|fact| !fact.is_of_keys());
        Self::new("bazaar", of_stocks, Promises::default())
            .described("the built-in bazaar")
            .holding(orders_of, vec!["catalog".to_owned()])
    }

    /// Whether there is this fact of it.
    #[must_use]
    pub fn has(&self, fact: Fact) -> bool {
        self.facts.contains(&fact)
    }

    /// Those of these facts that there are not, in their order. What cannot be without another of them is not told again.
    #[must_use]
    pub fn lacks(&self, needed: &[Fact]) -> Vec<Fact> {
        let lacks = |&fact: &Fact| !self.has(fact);
        let is_told =
            |fact: Fact| fact.presupposes().is_some_and(|of| needed.contains(&of) && lacks(&of));
        needed.iter().copied().filter(|fact| lacks(fact) && !is_told(*fact)).collect()
    }

    /// Every fact that there is.
    pub fn facts(&self) -> impl Iterator<Item = Fact> + '_ {
        self.facts.iter().copied()
    }

    /// What it promises.
    #[must_use]
    pub fn promises(&self) -> &Promises {
        &self.promises
    }

    /// The processes whose orders are read at a trial's end.
    #[must_use]
    pub fn orders_of(&self) -> &[String] {
        &self.orders_of
    }

    /// The processes whose stocks are read at a trial's end.
    #[must_use]
    pub fn stocks_of(&self) -> &[String] {
        &self.stocks_of
    }

    /// What it is.
    #[must_use]
    pub fn model(&self) -> Model {
        self.model
    }

    /// Of whom it is read at a trial's end what the registers or the log hold.
    #[must_use]
    pub fn keys_of(&self) -> &[String] {
        &self.keys_of
    }

    /// What each register holds at first, as JSON; nothing if it is `None`.
    #[must_use]
    pub fn initial(&self) -> Option<&str> {
        self.initial.as_deref()
    }

    /// Whether there is something that changes what it holds.
    #[must_use]
    pub fn changes(&self) -> bool {
        [Fact::Trades, Fact::Writes, Fact::Appends].into_iter().any(|fact| self.has(fact))
    }

    /// After how many milliseconds an operation counts as one that hangs, if that is known.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    fn with_what_follows(mut self) -> Self {
        let promises = self.promises;
        let is_monotone = promises.sides != Sides::Both && promises.restock == Restock::None;
        let logs_in_order =
            self.model == Model::Log && promises.replicated_keys == Replication::Identical;
        let has_order = self.has(Fact::Volume) || (self.has(Fact::Quantity) && is_monotone);
        let follows = [
            (Fact::OrdersOfReplicas, !self.orders_of.is_empty()),
            (Fact::StateOfStocks, !self.stocks_of.is_empty()),
            (Fact::StateOfKeys, !self.keys_of.is_empty()),
            (Fact::NumbersInOrder, promises.order_no == Numbering::Sequence),
            (Fact::GaplessNumbers, promises.gapless),
            (Fact::DurableAcknowledgement, promises.acknowledged == Acknowledged::Durable),
            (Fact::ReplicatedOrders, promises.replicated_orders.is_full()),
            (Fact::IdenticalReplicas, promises.replicated_orders == Replication::Identical),
            (Fact::ReplicatedStocks, promises.replicated_stocks.is_full()),
            (Fact::CopiesOfOrders, self.orders_of.len() > 1),
            (Fact::CopiesOfStocks, self.stocks_of.len() > 1),
            (Fact::ReplicatedKeys, promises.replicated_keys.is_full()),
            (Fact::IdenticalLogs, logs_in_order),
            (Fact::CopiesOfKeys, self.keys_of.len() > 1),
            (Fact::NoRestock, promises.restock == Restock::None),
            (Fact::OrderedReads, self.has(Fact::Queries) && has_order),
        ];
        for (fact, is_so) in follows {
            if is_so {
                self.facts.insert(fact);
            } else {
                self.facts.remove(&fact);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bazaar_lacks_nothing_but_a_second_catalog() {
        let bazaar = Target::bazaar(3);
        let mut lacking = bazaar.lacks(&Fact::ALL);
        lacking.retain(|fact| !fact.is_of_keys());
        assert_eq!(lacking, [Fact::CopiesOfStocks]);
        assert_eq!(bazaar.orders_of(), ["order-1", "order-2", "order-3"]);
    }

    #[test]
    fn promises_and_lists_of_processes_decide_what_follows_from_them() {
        let promises = Promises {
            gapless: false,
            acknowledged: Acknowledged::MayBeLost,
            replicated_orders: Replication::SameSet,
            ..Promises::default()
        };
        // What is listed and not promised does not count.
        let of_stocks: Vec<_> = Target::bazaar(3).facts().collect();
        let target = Target::new("toy", of_stocks.clone(), promises)
            .holding(vec!["order-1".to_owned()], vec![]);
        let lacking = [
            Fact::StateOfStocks,
            Fact::GaplessNumbers,
            Fact::DurableAcknowledgement,
            Fact::IdenticalReplicas,
            Fact::CopiesOfOrders,
        ];
        assert_eq!(target.lacks(&of_stocks), lacking);
        assert_eq!(target.facts().count(), of_stocks.len() - lacking.len());
        let none = target.holding(vec![], vec![]);
        let orders = [Fact::OrdersOfReplicas, Fact::CopiesOfOrders];
        assert_eq!(none.lacks(&orders), [Fact::OrdersOfReplicas], "said once");
    }

    #[test]
    fn a_page_of_a_register_speaks_of_writes_and_leaves_names_alone() {
        let text = "Trades: 3 trades, 1 trade (trade-1); 2 orders lost, in the order of time.";
        assert_eq!(Model::Stocks.worded(text), text);
        let written = "Writes: 3 writes, 1 write (trade-1); 2 writes lost, in the order of time.";
        assert_eq!(Model::Register.worded(text), written);
        assert_eq!(Model::Log.worded("no trade"), "no append");
    }

    #[test]
    fn reads_have_an_order_by_volume_or_by_a_quantity_that_goes_one_way() {
        let one_way = Promises { sides: Sides::Takes, ..Promises::default() };
        let restocked = Promises { restock: Restock::Unmodelled, ..one_way };
        for (fact, promises, ordered) in [
            (Fact::Volume, Promises::default(), true),
            (Fact::Volume, restocked, true),
            (Fact::Quantity, Promises::default(), false),
            (Fact::Quantity, one_way, true),
            (Fact::Quantity, restocked, false),
        ] {
            let target = Target::new("toy", [Fact::Queries, fact], promises);
            assert_eq!(target.has(Fact::OrderedReads), ordered, "{fact} {promises:?}");
        }
    }

    #[test]
    fn a_target_reads_as_it_is_written_and_little_need_be_written() {
        let target = Target::bazaar(2).with_deadline_ms(6_000);
        let json = serde_json::to_string(&target).unwrap();
        assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), target);
        let toy: Target = serde_json::from_str(
            r#"{"name": "toy", "facts": ["queries"], "promises": {"order_no": "unique"}}"#,
        )
        .unwrap();
        assert!(toy.has(Fact::Queries) && !toy.has(Fact::NumbersInOrder));
        assert!(serde_json::from_str::<Target>(r#"{"name": "toy", "facts": ["magic"]}"#).is_err());
    }
}
