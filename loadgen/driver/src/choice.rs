//! What a client decides, given its random numbers. Pure: no clock, no socket.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use wire::bazaar::TradeType;

use crate::trading::Trading;

/// A trade to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Which way.
    pub side: TradeType,
    /// How many.
    pub quantity: u32,
}

/// One of the stocks, all equally likely; `None` if there is none to choose, as of a service that has one thing alone.
pub fn stock<'a>(rng: &mut impl Rng, names: &'a [String]) -> Option<&'a str> {
    if names.is_empty() {
        return None;
    }
    names.get(rng.random_range(0..names.len())).map(String::as_str)
}

/// How far beyond the last order that a client was told of it may peek, and how far before the end of a log it may read:
/// about as many as may be on their way.
const MAX_AHEAD: u64 = 16;

/// With probability `peek`, how far beyond the last order that it was told of a client looks. With
/// 0 no random number is drawn, so that plans without peeking make the choices they always made.
pub fn peek_ahead(rng: &mut impl Rng, peek: f64) -> Option<u64> {
    (peek > 0.0 && rng.random_bool(peek)).then(|| rng.random_range(1..=MAX_AHEAD))
}

/// The trade that follows a query which showed `quantity` of a stock, with probability `p`.
pub fn follow_up(
    rng: &mut impl Rng,
    p: f64,
    trading: &Trading,
    quantity: Option<u32>,
) -> Option<Trade> {
    rng.random_bool(p).then(|| trade(rng, trading, quantity))
}

/// A trade of a stock of which there is `quantity`, if that is known: a Buy or a Sell at even odds; a Sell if there is nothing
/// to buy.
///
/// If a stock that is sold out were left alone, nobody would ever sell it again: within seconds every stock would be stuck at
/// 0, and a load with p = 1 would consist of queries. Of a target with one side alone that side is asked for all the same:
/// what is sold out is rejected then, and a load of rejections is still one.
pub fn trade(rng: &mut impl Rng, trading: &Trading, quantity: Option<u32>) -> Trade {
    let buys = !trading.adds() || quantity != Some(0) && rng.random_bool(0.5);
    let side = if buys { TradeType::Buy } else { TradeType::Sell };
    let (least, most) = trading.quantities();
    // As numbers of 64 bits, which draw what they drew before a target could say how many.
    let quantity = rng.random_range(u64::from(least)..=u64::from(most));
    Trade { side, quantity: u32::try_from(quantity).unwrap_or(most) }
}

/// Whether an operation on a register or a log is to change it: with probability `p`, as a share of all operations.
pub fn changes(rng: &mut impl Rng, p: f64) -> bool {
    rng.random_bool(p)
}

/// Whether a change of a register is to be a compare-and-set, of a client that could do either: every other one is, so that
/// clients get in each other's way.
pub fn compares(rng: &mut impl Rng) -> bool {
    rng.random_bool(0.5)
}

/// From where on a log is read by a client for whom it ends at `end`: from its beginning or from shortly before its end, so that
/// what is new is read as well as what others have read.
pub fn position(rng: &mut impl Rng, end: i64) -> i64 {
    (end - i64::try_from(rng.random_range(0..=MAX_AHEAD)).unwrap_or(0)).max(0)
}

/// The random numbers of one client.
///
/// They depend on p and not on the rest of the cell, so that cells which differ in the cache
/// alone ask for the same things. The generator is named, not the library's standard one, so that
/// a seed means the same in every version of the library.
#[must_use]
pub fn client_rng(seed: u64, p: f64, trial: u32, client: u32) -> Xoshiro256PlusPlus {
    let parts = [p.to_bits(), u64::from(trial), u64::from(client)];
    Xoshiro256PlusPlus::seed_from_u64(parts.into_iter().fold(seed, |state, part| mix(state ^ part)))
}

/// Spreads a number over all 64 bits: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn trading(model: &str) -> Trading {
        let text = format!("name = 'x'\n[processes.a]\ncommand = 'a'\n[model]\n{model}\n");
        Trading::of(&targets::read_text(&text, Path::new("x.toml"), 1).unwrap().model)
    }

    fn both() -> Trading {
        trading("sides = ['Buy', 'Sell']")
    }

    #[test]
    fn a_stock_that_is_sold_out_is_only_sold_to() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut trades = (0..1000).map(|_| follow_up(&mut rng, 1.0, &both(), Some(0)));
        assert!(trades.all(|trade| trade.is_some_and(|trade| trade.side == TradeType::Sell)));
    }

    #[test]
    fn p_0_never_trades_and_p_1_always_does() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        assert!((0..1000).all(|_| follow_up(&mut rng, 0.0, &both(), Some(5)).is_none()));
        assert!((0..1000).all(|_| follow_up(&mut rng, 1.0, &both(), Some(5)).is_some()));
    }

    #[test]
    fn trades_are_of_1_to_10_and_go_both_ways_also_where_no_quantity_is_shown() {
        for shown in [Some(5), None] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let trades: Vec<_> =
                (0..1000).filter_map(|_| follow_up(&mut rng, 0.5, &both(), shown)).collect();
            assert!((400..600).contains(&trades.len()), "{}", trades.len());
            let buys = trades.iter().filter(|trade| trade.side == TradeType::Buy).count();
            assert!((150..350).contains(&buys), "{buys}");
            assert_eq!(quantities(&trades), (1..=10).collect::<Vec<_>>());
        }
    }

    fn quantities(trades: &[Trade]) -> Vec<u32> {
        let mut quantities: Vec<_> = trades.iter().map(|trade| trade.quantity).collect();
        quantities.sort_unstable();
        quantities.dedup();
        quantities
    }

    #[test]
    fn the_bazaars_clients_choose_what_they_always_chose() {
        // Drawn before a target could say its sides and quantities.
        let draw = |rng: &mut Xoshiro256PlusPlus, quantity: u32| {
            if !rng.random_bool(0.6) {
                return None;
            }
            let buys = quantity > 0 && rng.random_bool(0.5);
            let side = if buys { TradeType::Buy } else { TradeType::Sell };
            Some(Trade { side, quantity: u32::try_from(rng.random_range(1..=10_u64)).unwrap() })
        };
        let bazaar = targets::read_text(targets::BAZAAR, Path::new("bazaar.toml"), 3).unwrap();
        let trading = Trading::of(&bazaar.model);
        let (mut now, mut then) = (client_rng(7, 0.6, 1, 3), client_rng(7, 0.6, 1, 3));
        for quantity in (0..100).cycle().take(2000) {
            let choice = follow_up(&mut now, 0.6, &trading, Some(quantity));
            assert_eq!(choice, draw(&mut then, quantity));
        }
        let first: Vec<_> = {
            let mut rng = client_rng(1, 1.0, 1, 1);
            (0..6).filter_map(|_| follow_up(&mut rng, 1.0, &trading, Some(9))).collect()
        };
        let numbers: Vec<_> = first.iter().map(|trade| (trade.side, trade.quantity)).collect();
        assert_eq!(numbers, FIRST_OF_SEED_1);
    }

    /// Whoever changes these changes what every seed means.
    const FIRST_OF_SEED_1: [(TradeType, u32); 6] = [
        (TradeType::Buy, 4),
        (TradeType::Buy, 6),
        (TradeType::Buy, 10),
        (TradeType::Sell, 8),
        (TradeType::Buy, 6),
        (TradeType::Buy, 7),
    ];

    #[test]
    fn with_one_side_what_is_sold_out_is_still_asked_for() {
        let one = trading("sides = ['order']\nquantities = [3, 4]");
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let trades: Vec<_> = [Some(0), Some(5), None]
            .into_iter()
            .cycle()
            .take(300)
            .filter_map(|shown| follow_up(&mut rng, 1.0, &one, shown))
            .collect();
        assert_eq!(trades.len(), 300);
        assert!(trades.iter().all(|trade| trade.side == TradeType::Buy));
        assert_eq!(quantities(&trades), [3, 4]);
    }

    #[test]
    fn a_log_is_read_from_shortly_before_its_end_and_never_from_before_its_beginning() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let positions: std::collections::BTreeSet<_> =
            (0..1000).map(|_| position(&mut rng, 100)).collect();
        assert_eq!(positions, (84..=100).collect());
        assert!((0..1000).all(|_| (0..=3).contains(&position(&mut rng, 3))));
    }

    #[test]
    fn every_stock_is_chosen_and_none_of_none() {
        let names: Vec<_> = (1..=10).map(|number| format!("Stock{number}")).collect();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let chosen: std::collections::BTreeSet<_> =
            (0..1000).filter_map(|_| stock(&mut rng, &names)).collect();
        assert_eq!(chosen.len(), 10);
        assert_eq!(stock(&mut rng, &[]), None);
    }

    #[test]
    fn a_client_repeats_itself_and_no_other_client() {
        let first = |mut rng: Xoshiro256PlusPlus| rng.random::<u64>();
        let own = first(client_rng(1, 0.2, 1, 1));
        assert_eq!(own, first(client_rng(1, 0.2, 1, 1)));
        let others = [
            client_rng(2, 0.2, 1, 1),
            client_rng(1, 0.4, 1, 1),
            client_rng(1, 0.2, 2, 1),
            client_rng(1, 0.2, 1, 2),
        ];
        assert!(others.into_iter().all(|other| first(other) != own));
    }
}
