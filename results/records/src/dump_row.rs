//! A row of `final.csv` as it is kept in memory: a run of a million operations has more than a million.

use nonmax::{NonMaxU32, NonMaxU64};
use wire::bazaar::TradeType;
use wire::internal::Origin;

use super::{AtLine, FinalKind, FinalRow, Keyed, Text};

/// A row of `final.csv` and its line, in little more than half of the bytes of a [`FinalRow`]. Its cell and
/// trial are those of the list in which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpRow {
    /// Whose row it is.
    pub source: Text,
    /// What the row stands for.
    pub kind: FinalKind,
    /// The trade's name.
    pub request_id: Option<Text>,
    /// The stock's name.
    pub stock_name: Option<Text>,
    /// Buy or Sell.
    pub trade_type: Option<TradeType>,
    /// Who brought the trade to the catalog.
    pub origin: Option<Origin>,
    /// What is held of a register or a log.
    pub keyed: Option<Box<Keyed>>,
    line: u32,
    quantity: Option<NonMaxU32>,
    quantity_after: Option<NonMaxU32>,
    order_no: Option<NonMaxU64>,
    epoch: Option<NonMaxU64>,
    version: Option<NonMaxU64>,
    volume_after: Option<NonMaxU64>,
}

impl DumpRow {
    /// The row that stands in this line.
    ///
    /// # Errors
    /// A number is the largest that there is, which nothing counts up to.
    pub fn new(row: FinalRow, line: u64) -> Result<Self, String> {
        let long = |value, field| packed::<_, NonMaxU64>(value, field);
        let short = |value, field| packed::<_, NonMaxU32>(value, field);
        Ok(Self {
            source: row.source,
            kind: row.kind,
            request_id: row.request_id,
            stock_name: row.stock_name,
            trade_type: row.trade_type,
            origin: row.origin,
            keyed: row.keyed,
            line: u32::try_from(line).map_err(|_| "no file has that many lines".to_owned())?,
            quantity: short(row.quantity, "quantity")?,
            quantity_after: short(row.quantity_after, "quantity_after")?,
            order_no: long(row.order_no, "order_no")?,
            epoch: long(row.epoch, "epoch")?,
            version: long(row.version, "version")?,
            volume_after: long(row.volume_after, "volume_after")?,
        })
    }

    /// The row as the file has it.
    #[must_use]
    pub fn row(&self, cell: &str, trial: u32) -> FinalRow {
        FinalRow {
            cell: cell.into(),
            trial,
            source: self.source.clone(),
            kind: self.kind,
            order_no: self.order_no(),
            epoch: self.epoch(),
            request_id: self.request_id.clone(),
            stock_name: self.stock_name.clone(),
            trade_type: self.trade_type,
            quantity: self.quantity(),
            version: self.version(),
            quantity_after: self.quantity_after(),
            volume_after: self.volume_after(),
            origin: self.origin,
            keyed: self.keyed.clone(),
        }
    }

    /// The order's number.
    #[must_use]
    pub fn order_no(&self) -> Option<u64> {
        self.order_no.map(u64::from)
    }

    /// The epoch it was numbered in, or in which the catalog applied it.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.epoch.map(u64::from)
    }

    /// How many.
    #[must_use]
    pub fn quantity(&self) -> Option<u32> {
        self.quantity.map(u32::from)
    }

    /// The stock's version after the trade.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version.map(u64::from)
    }

    /// The stock's quantity after the trade.
    #[must_use]
    pub fn quantity_after(&self) -> Option<u32> {
        self.quantity_after.map(u32::from)
    }

    /// The stock's traded volume after the trade.
    #[must_use]
    pub fn volume_after(&self) -> Option<u64> {
        self.volume_after.map(u64::from)
    }
}

impl AtLine for DumpRow {
    fn line(&self) -> u64 {
        u64::from(self.line)
    }
}

/// The number in a type that takes no room to say whether it is there.
fn packed<T, P: TryFrom<T>>(value: Option<T>, field: &str) -> Result<Option<P>, String> {
    let packed = value.map(P::try_from).transpose();
    packed.map_err(|_| format!("field `{field}`: number too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> FinalRow {
        FinalRow {
            order_no: Some(0),
            epoch: Some(u64::MAX - 1),
            request_id: Some("r".into()),
            stock_name: Some("Stock1".into()),
            trade_type: Some(TradeType::Sell),
            quantity: Some(u32::MAX - 1),
            version: None,
            quantity_after: Some(7),
            volume_after: None,
            origin: Some(Origin::ByHand),
            ..FinalRow::new("cell", 3, "order-1", FinalKind::Order)
        }
    }

    #[test]
    fn it_says_what_the_file_says_whatever_fields_are_there() {
        for row in [order(), FinalRow::new("cell", 3, "catalog", FinalKind::Source)] {
            let kept = DumpRow::new(row.clone(), 12).unwrap();
            assert_eq!((kept.row("cell", 3), kept.line()), (row, 12));
        }
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<DumpRow>() <= 80 && size_of::<FinalRow>() > 110);
    }

    #[test]
    fn what_cannot_be_kept_is_an_error_that_names_the_field() {
        let mut row = order();
        row.volume_after = Some(u64::MAX);
        let told = DumpRow::new(row, 2);
        assert_eq!(told, Err("field `volume_after`: number too large".to_owned()));
        let told = DumpRow::new(order(), 1 << 32);
        assert_eq!(told, Err("no file has that many lines".to_owned()));
    }
}
