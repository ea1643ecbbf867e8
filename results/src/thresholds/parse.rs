//! From text to a threshold, with errors that say what there is.

use std::str::FromStr;

use super::figure::{FAULTS, Faults, Figure, OF_FAULTS, OF_OPERATIONS, Over};
use super::threshold::{Limit, Threshold};
use crate::records::Op;
use crate::summary::{OPS, op_name};

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {reason}")]
pub struct ThresholdError {
    text: String,
    reason: String,
}

/// Longer ones first: `<=` begins with `<`.
const COMPARISONS: [&str; 5] = ["<=", ">=", "<", ">", "="];

const SHAPE: &str = "write FIGURE < VALUE, for example trade.p99_us < 5000, p1-cache-on:query.p50_us <= 300, \
     failover.first_ack_ms.max < 100 or consistency = pass";

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|reason| ThresholdError { text: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<Threshold, String> {
    let (place, comparison) = COMPARISONS
        .iter()
        .filter_map(|comparison| Some((text.find(comparison)?, *comparison)))
        .min_by_key(|&(place, comparison)| (place, usize::MAX - comparison.len()))
        .ok_or(SHAPE)?;
    let subject = text[..place].trim();
    let value = text[place + comparison.len()..].trim();
    let (cell, name) = match subject.rsplit_once(':') {
        Some((cell, name)) => (Some(cell.trim().to_owned()), name.trim()),
        None => (None, subject),
    };
    let figure = figure(name)?;
    let limit = limit(figure, comparison, value)?;
    if figure == Figure::Consistency && cell.is_some() {
        return Err("consistency is of the whole run, not of a cell".to_owned());
    }
    Ok(Threshold { text: text.trim().to_owned(), cell, figure, limit })
}

fn limit(figure: Figure, comparison: &str, value: &str) -> Result<Limit, String> {
    if figure == Figure::Consistency {
        return match (comparison, value) {
            ("=", "pass") => Ok(Limit::Pass),
            _ => Err("consistency can only be compared as consistency = pass".to_owned()),
        };
    }
    let number: f64 = value
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| format!("{value:?} is no number from 0"))?;
    match comparison {
        "<" => Ok(Limit::Below(number)),
        "<=" => Ok(Limit::AtMost(number)),
        ">" => Ok(Limit::Above(number)),
        ">=" => Ok(Limit::AtLeast(number)),
        _ => Err("a number is compared with <, <=, > or >=".to_owned()),
    }
}

fn figure(name: &str) -> Result<Figure, String> {
    if name == "consistency" {
        return Ok(Figure::Consistency);
    }
    let (subject, rest) = name.split_once('.').unwrap_or((name, ""));
    if let Some((word, faults)) = FAULTS.into_iter().find(|(word, _)| *word == subject) {
        return failover(word, faults, rest);
    }
    let Some(op) = OPS.into_iter().find(|op| op_name(*op) == subject) else {
        return Err(format!(
            "there is no {subject:?}; there are {}, {} and consistency",
            OPS.map(op_name).join(", "),
            FAULTS.map(|(word, _)| word).join(", ")
        ));
    };
    of_operation(op, rest)
}

fn of_operation(op: Op, name: &str) -> Result<Figure, String> {
    let index = OF_OPERATIONS.iter().position(|(known, _)| *known == name);
    index.map(|index| Figure::Operation(op, index)).ok_or_else(|| {
        let names = OF_OPERATIONS.map(|(known, _)| known);
        format!("{} has no {name:?}; it has {}", op_name(op), names.join(", "))
    })
}

fn failover(word: &str, faults: Faults, rest: &str) -> Result<Figure, String> {
    let (name, over) = rest.split_once('.').unwrap_or((rest, ""));
    let over = match over {
        "max" => Over::Max,
        "median" => Over::Median,
        _ => return Err(format!("{word}.{name} has a .median and a .max, not {over:?}")),
    };
    let index = OF_FAULTS.iter().position(|(known, _)| *known == name);
    index.map(|index| Figure::Failover(faults, index, over)).ok_or_else(|| {
        let names = OF_FAULTS.map(|(known, _)| known);
        format!("{word} has no {name:?}; it has {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_that_is_documented_is_understood() {
        for text in [
            "trade.p99_us < 5000",
            "query.p50_us<=300",
            "p0.4-cache-on:query.p99_us < 2000",
            "query.throughput_per_s >= 1000",
            "trade.failed <= 0",
            "failover.first_ack_ms.max < 100",
            "failover.longest_gap_ms.median < 12.5",
            "leader-kill.longest_gap_ms.max < 2000",
            "leader-pause.first_ack_ms.median <= 1500",
            "consistency = pass",
        ] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
        let of_cell: Threshold = "p0.4-cache-on:query.p99_us < 2000".parse().unwrap();
        assert_eq!(of_cell.cell(), Some("p0.4-cache-on"));
        assert_eq!(of_cell.limit, Limit::Below(2000.0));
    }

    #[test]
    fn whatever_is_wrong_is_named_with_what_there_is() {
        let complaint = |text: &str| text.parse::<Threshold>().unwrap_err().to_string();
        for (text, said) in [
            ("trade.p98_us < 5000", "trade has no \"p98_us\"; it has mean_us, p50_us"),
            ("trades.p99_us < 5000", "there is no \"trades\"; there are query, trade, lookup"),
            ("failover.first_ack_ms < 5", "has a .median and a .max"),
            ("leader-kill.first_ack_ms < 5", "leader-kill.first_ack_ms has a .median and a .max"),
            ("failover.outage_ms.max < 5", "failover has no \"outage_ms\"; it has detected_ms"),
            ("trade.p99_us < fast", "\"fast\" is no number from 0"),
            ("trade.p99_us < -1", "\"-1\" is no number from 0"),
            ("trade.p99_us = 5000", "compared with <, <=, > or >="),
            ("consistency = fail", "only be compared as consistency = pass"),
            ("p0:consistency = pass", "of the whole run"),
            ("trade.p99_us 5000", "write FIGURE < VALUE"),
            ("", "write FIGURE < VALUE"),
        ] {
            assert!(complaint(text).contains(said), "{text}: {}", complaint(text));
        }
    }
}
