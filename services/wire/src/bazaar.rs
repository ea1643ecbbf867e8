//! The bodies of the public interface.
//!
//! Existing clients send `quantity` as a number or as a string of digits and `trade_type` in any
//! letter case; reading is lenient where they need it, writing has one form.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId, StockVersion};
use crate::planted;

/// The largest body that any service reads, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest name of a stock, in bytes. It travels in request lines and is kept per stock.
pub const MAX_STOCK_NAME_BYTES: usize = 64;
/// How many stocks a bazaar has at the most. All their versions travel in one message when the
/// catalog starts.
pub const MAX_STOCKS: usize = 10_000;

/// The text is longer than the name of any stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongStockName;

impl fmt::Display for LongStockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "longer than {MAX_STOCK_NAME_BYTES} bytes")
    }
}

impl std::error::Error for LongStockName {}

/// Checks that a name is not longer than any stock's (rule S3). The bodies of trades are checked as
/// they are read.
///
/// # Errors
/// If it is.
pub fn check_stock_name(name: &str) -> Result<(), LongStockName> {
    let is_long = name.len() > MAX_STOCK_NAME_BYTES && !planted::takes_any_length();
    if is_long { Err(LongStockName) } else { Ok(()) }
}

fn stock_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    check_stock_name(&name).map_err(de::Error::custom)?;
    Ok(name)
}

/// Which way a trade goes. A Buy takes from the bazaar's stock, a Sell adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum TradeType {
    /// The client buys: the quantity goes down, never below 0.
    Buy,
    /// The client sells: the quantity goes up, never over the stock's cap.
    Sell,
}

impl TradeType {
    /// `"Buy"` or `"Sell"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "Buy",
            Self::Sell => "Sell",
        }
    }
}

impl fmt::Display for TradeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is neither Buy nor Sell.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownTradeType;

impl fmt::Display for UnknownTradeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"Buy\" or \"Sell\"")
    }
}

impl std::error::Error for UnknownTradeType {}

impl FromStr for TradeType {
    type Err = UnknownTradeType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("buy") {
            Ok(Self::Buy)
        } else if text.eq_ignore_ascii_case("sell") {
            Ok(Self::Sell)
        } else {
            Err(UnknownTradeType)
        }
    }
}

impl<'de> Deserialize<'de> for TradeType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// How many to trade: a positive number that fits 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

/// The value is no quantity.
#[derive(Debug, PartialEq, Eq)]
pub struct BadQuantity;

impl fmt::Display for BadQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a whole number from 1 to {}", u32::MAX)
    }
}

impl std::error::Error for BadQuantity {}

impl Quantity {
    /// Checks that `value` is positive and fits.
    pub fn new(value: u64) -> Result<Self, BadQuantity> {
        match u32::try_from(value) {
            Ok(value) if value > 0 => Ok(Self(value)),
            _ => Err(BadQuantity),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Quantity {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = if digits_only { text.parse().ok() } else { None };
        Self::new(value.ok_or(BadQuantity)?)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrDigits;

        impl Visitor<'_> for NumberOrDigits {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1 up, as a number or as a string of digits")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Quantity, E> {
                Quantity::new(value).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Quantity, E> {
                let value = u64::try_from(value).map_err(|_| E::custom(BadQuantity))?;
                self.visit_u64(value)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(NumberOrDigits)
    }
}

/// What a trade asks for: the body of `POST /orders` at the front-end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TradeRequest {
    /// The stock's name.
    #[serde(deserialize_with = "stock_name")]
    pub stock_name: String,
    /// Buy or Sell.
    pub trade_type: TradeType,
    /// How many.
    pub quantity: Quantity,
}

/// The body of `POST /trade` at the catalog: the same, with the field called `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogTrade {
    /// The stock's name.
    #[serde(deserialize_with = "stock_name")]
    pub stock_name: String,
    /// Buy or Sell.
    #[serde(rename = "type")]
    pub trade_type: TradeType,
    /// How many.
    pub quantity: Quantity,
}

/// The catalog's answer to a trade, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogAnswer {
    /// [`TRADED`], [`STOCK_NOT_FOUND_TRADE`] or [`TRADE_FAILED`].
    pub message: String,
    /// The trade's place, if it was applied for the order service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_seq: Option<AppliedSeq>,
}

/// A stock as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    /// Its name.
    pub stock_name: String,
    /// Its price.
    pub price: f64,
    /// How many were ever traded.
    pub trade_volume: u64,
    /// How many there are.
    pub quantity: u32,
}

/// A stock and the version that it shows; travels as a body and a header.
#[derive(Clone, Debug, PartialEq)]
pub struct StockAt {
    /// What clients see.
    pub stock: Stock,
    /// How many trades that includes.
    pub version: StockVersion,
}

/// `{"data": ...}`, the form of the catalog's query and of order queries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data<T> {
    /// The payload.
    pub data: T,
}

/// An order as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number.
    pub order_no: OrderNo,
    /// The stock's name.
    pub stock_name: String,
    /// Buy or Sell.
    pub trade_type: TradeType,
    /// How many.
    pub quantity: u32,
}

/// The answer to a trade that was applied and numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAccepted {
    /// Its number.
    pub order_no: OrderNo,
}

/// The answer to a trade that was refused for good: `{"order_no":-1,"message":...}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRejected {
    /// Always -1.
    pub order_no: i64,
    /// [`STOCK_NOT_FOUND_TRADE`] or [`TRADE_FAILED`].
    pub message: String,
}

/// The answer to `GET /healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether the service does what it is there for.
    pub ready: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The front-end's answer to `GET /leader`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaderBody {
    /// Who leads.
    pub leader: ReplicaId,
    /// In which epoch.
    pub epoch: Epoch,
    /// The in-sync set.
    pub in_sync: Vec<ReplicaId>,
}

/// The front-end's answer to `GET /rm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The stock that was dropped from the cache, if it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock_name: Option<String>,
    /// In words.
    pub message: String,
}

/// Every error: `{"error":{"code","message"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
    /// [`NO_EFFECT`] when it is certain that nothing was changed and nothing will be. Absent
    /// otherwise: a 503 without it leaves the outcome of a trade unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// The inside of an [`ErrorBody`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The HTTP status.
    pub code: u16,
    /// One clear line.
    pub message: String,
}

impl ErrorBody {
    /// An error that says nothing about effects.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { error: ErrorDetail { code, message: message.into() }, effect: None }
    }

    /// The same, certain to have changed nothing.
    #[must_use]
    pub fn without_effect(mut self) -> Self {
        self.effect = Some(NO_EFFECT.to_owned());
        self
    }

    /// Whether the sender is certain that nothing was changed.
    #[must_use]
    pub fn certainly_had_no_effect(&self) -> bool {
        self.effect.as_deref() == Some(NO_EFFECT)
    }
}

/// The value of `effect` that makes a failure certain.
pub const NO_EFFECT: &str = "none";
/// The catalog's message for a trade that it applied.
pub const TRADED: &str = "order had been trade successfully!";
/// The message for a trade in a stock that does not exist.
pub const STOCK_NOT_FOUND_TRADE: &str = "Stock not found!";
/// The message for a trade that there is too little stock for, or that would go over the cap.
pub const TRADE_FAILED: &str = "Trade failed!";
/// The message for a query of a stock that does not exist.
pub const STOCK_NOT_FOUND: &str = "Stock not found";
/// The message for a query of an order that does not exist.
pub const ORDER_NOT_FOUND: &str = "order not found";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_come_as_numbers_or_as_digits() {
        let parse = |json: &str| serde_json::from_str::<Quantity>(json).ok().map(Quantity::get);
        assert_eq!(parse("7"), Some(7));
        assert_eq!(parse("\"7\""), Some(7));
        for refused in
            ["0", "-1", "1.5", "\"\"", "\"+7\"", "\" 7\"", "\"1e3\"", "null", "4294967296", "true"]
        {
            assert_eq!(parse(refused), None, "{refused}");
        }
    }

    #[test]
    fn trade_types_come_in_any_letter_case() {
        let parse = |json: &str| serde_json::from_str::<TradeType>(json).ok();
        assert_eq!(parse("\"bUY\""), Some(TradeType::Buy));
        assert_eq!(parse("\"SELL\""), Some(TradeType::Sell));
        assert_eq!(parse("\"hold\""), None);
        assert_eq!(serde_json::to_string(&TradeType::Buy).unwrap(), "\"Buy\"");
    }

    #[test]
    fn errors_have_one_form() {
        let body = ErrorBody::new(404, STOCK_NOT_FOUND);
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"error":{"code":404,"message":"Stock not found"}}"#
        );
        assert!(body.without_effect().certainly_had_no_effect());
    }

    #[test]
    fn a_trade_names_a_stock_that_there_may_be() {
        let trade = |name: &str| {
            let json = serde_json::json!({"stock_name": name, "trade_type": "Buy", "quantity": 1});
            serde_json::from_value::<TradeRequest>(json).map_err(|error| error.to_string())
        };
        assert!(trade(&"x".repeat(64)).is_ok());
        assert_eq!(trade(&"x".repeat(65)).unwrap_err(), "longer than 64 bytes");
    }
}
