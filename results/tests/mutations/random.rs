//! Mutations that nobody has listed: drawn from a seed, at any row and any column.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::run::{File, Got, Run};

/// How many are drawn.
const DRAWN: u64 = 150;

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// It goes: never a pass.
    Drop,
    /// It is there a second time, somewhere: never a pass.
    Double,
    /// A field is emptied.
    Blank,
    /// A field becomes that of another row.
    Copy,
    /// A field becomes some text.
    Noise,
}

const DAMAGES: [Damage; 5] =
    [Damage::Drop, Damage::Double, Damage::Blank, Damage::Copy, Damage::Noise];
/// What no check asks about: `attempts`, `cache`, `reason` and the like may say whatever they like.
const CONTENT: [(File, &[&str]); 2] = [
    (File::Observations, &["order_no", "seen_quantity", "seen_volume"]),
    (
        File::Final,
        &["order_no", "request_id", "quantity", "version", "quantity_after", "volume_after"],
    ),
];

/// One mutation of a run, in words, and whether it may still pass.
fn mutate(run: &mut Run, seed: u64) -> (String, bool) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let damage = DAMAGES[rng.random_range(0..DAMAGES.len())];
    let (file, content) = CONTENT[rng.random_range(0..CONTENT.len())];
    let rows = run.table_mut(file);
    let place = rng.random_range(0..rows.rows.len());
    let other = rng.random_range(0..rows.rows.len());
    let column = rng.random_range(0..rows.header.len());
    let name = rows.header[column].clone();
    let before = rows.rows[place][column].clone();
    match damage {
        Damage::Drop => rows.remove(&[place]),
        Damage::Double => {
            let again = rows.rows[place].clone();
            rows.rows.insert(other, again);
        }
        Damage::Blank => rows.rows[place][column].clear(),
        Damage::Copy => rows.rows[place][column] = rows.rows[other][column].clone(),
        Damage::Noise => {
            let noise: String = (0..5).map(|_| char::from(rng.random_range(b'!'..b'~'))).collect();
            rows.rows[place][column] = noise;
        }
    }
    let is_refusal = file == File::Final
        && rows.header.iter().any(|name| name == "kind")
        && rows.rows.get(place).is_some_and(|row| row[rows.column("kind")] == "refused");
    let after = rows.rows.get(place).map_or("", |row| &row[column]).to_owned();
    let what =
        format!("{seed}: {damage:?} {} row {place} {name} {before:?} {after:?}", file.name());
    let may_pass = match damage {
        Damage::Drop | Damage::Double => file == File::Final && is_refusal,
        Damage::Blank | Damage::Copy | Damage::Noise => {
            before == after || is_refusal || !content.contains(&name.as_str()) || before.is_empty()
        }
    };
    (what, may_pass)
}

#[test]
fn whatever_becomes_of_a_row_nothing_panics_and_damage_is_no_pass() {
    let run = Run::kept("rates");
    let mut wrong = Vec::new();
    for seed in 0..DRAWN {
        let mut mutant = run.clone();
        let (what, may_pass) = mutate(&mut mutant, seed);
        let got = mutant.judge();
        if got == Got::Panic || (got == Got::Pass && !may_pass) {
            wrong.push(format!("{what}: {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
