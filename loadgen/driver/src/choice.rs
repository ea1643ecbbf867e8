//! What a client decides, given its random numbers. Pure: no clock, no socket.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use wire::bazaar::{Quantity, TradeRequest, TradeType};

/// A trade is of 1 to this many.
const MAX_QUANTITY: u64 = 10;

/// One of the stocks, all equally likely.
///
/// # Panics
/// If there is none; a plan's stocks are never empty.
pub fn stock<'a>(rng: &mut impl Rng, names: &'a [String]) -> &'a str {
    &names[rng.random_range(0..names.len())]
}

/// How far beyond the last order that a client was told of it may peek: about as many orders as
/// may be on their way.
const MAX_AHEAD: u64 = 16;

/// With probability `peek`, how far beyond the last order that it was told of a client looks. With
/// 0 no random number is drawn, so that plans without peeking make the choices they always made.
pub fn peek_ahead(rng: &mut impl Rng, peek: f64) -> Option<u64> {
    (peek > 0.0 && rng.random_bool(peek)).then(|| rng.random_range(1..=MAX_AHEAD))
}

/// The trade that follows a query which showed `quantity` of `stock_name`: with probability `p`, a
/// Buy or a Sell at even odds; a Sell if there is nothing to buy.
///
/// If a stock that is sold out were left alone, nobody would ever sell it again: within seconds
/// every stock would be stuck at 0, and a load with p = 1 would consist of queries.
pub fn follow_up(
    rng: &mut impl Rng,
    p: f64,
    stock_name: &str,
    quantity: u32,
) -> Option<TradeRequest> {
    if !rng.random_bool(p) {
        return None;
    }
    let buys = quantity > 0 && rng.random_bool(0.5);
    let trade_type = if buys { TradeType::Buy } else { TradeType::Sell };
    let quantity = Quantity::new(rng.random_range(1..=MAX_QUANTITY)).ok()?;
    Some(TradeRequest { stock_name: stock_name.to_owned(), trade_type, quantity })
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
    use super::*;

    #[test]
    fn a_stock_that_is_sold_out_is_only_sold_to() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut trades = (0..1000).map(|_| follow_up(&mut rng, 1.0, "Stock1", 0));
        assert!(trades.all(|trade| trade.is_some_and(|trade| trade.trade_type == TradeType::Sell)));
    }

    #[test]
    fn p_0_never_trades_and_p_1_always_does() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        assert!((0..1000).all(|_| follow_up(&mut rng, 0.0, "Stock1", 5).is_none()));
        assert!((0..1000).all(|_| follow_up(&mut rng, 1.0, "Stock1", 5).is_some()));
    }

    #[test]
    fn trades_are_of_1_to_10_and_go_both_ways() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let trades: Vec<_> =
            (0..1000).filter_map(|_| follow_up(&mut rng, 0.5, "Stock1", 5)).collect();
        assert!((400..600).contains(&trades.len()), "{}", trades.len());
        let buys = trades.iter().filter(|trade| trade.trade_type == TradeType::Buy).count();
        assert!((150..350).contains(&buys), "{buys}");
        let mut quantities: Vec<_> = trades.iter().map(|trade| trade.quantity.get()).collect();
        quantities.sort_unstable();
        quantities.dedup();
        assert_eq!(quantities, (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn every_stock_is_chosen() {
        let names: Vec<_> = (1..=10).map(|number| format!("Stock{number}")).collect();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let chosen: std::collections::BTreeSet<_> =
            (0..1000).map(|_| stock(&mut rng, &names)).collect();
        assert_eq!(chosen.len(), 10);
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
