//! What each round does, as a pure function of the seed and its number.

use std::time::Duration;

use driver::arrivals::ArrivalKind;
use driver::choice;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use results::records::Action;

use super::faults::{self, Repertoire};
use crate::plan::{CacheSetting, Checks, Load, Plan, PlanError, System, UnderTest};
use crate::target::relays;

/// A round's random numbers are those of a client that no run has: clients count from 1.
const NO_CLIENT: u32 = 0;

const P: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];
const CLIENTS: [u32; 5] = [2, 5, 8, 16, 32];
/// Open loops, in iterations per second: from a load that leaves the bazaar idle most of the time to one
/// that an outage of seconds leaves with a thousand arrivals to catch up with.
const RATES: [f64; 4] = [25.0, 75.0, 150.0, 300.0];
/// How many requests an open loop may have in flight.
const OPEN_LOOP_CLIENTS: [u32; 3] = [16, 32, 64];
/// How often a client looks for an order that nobody was told of yet.
const PEEKS: [f64; 3] = [0.0, 0.05, 0.2];
/// Mostly three, as people run it.
const REPLICAS: [u8; 6] = [3, 3, 3, 3, 2, 5];
/// Small stocks are refused often; of large ones hardly a trade is.
const QUANTITIES: [u32; 3] = [100, 100, 10_000];

const WARM_UP_S: f64 = 0.5;
const SHORTEST_LOAD_MS: u64 = 18_000;
const LONGEST_LOAD_MS: u64 = 26_000;
/// Clients give up sooner than in other runs: a client that waits for ten seconds is not there to
/// see what happens in the next three.
const REQUEST_TIMEOUT_MS: u64 = 3_000;
/// Long enough after the healing for the demand for progress to be made at least once.
const RECOVERY_MS: u64 = 8_000;
/// A round ends with more to catch up with than other trials, often on a machine at its limit.
const CONVERGE_WITHIN_MS: u64 = 15_000;
/// What a round takes besides its load: starting, lookups, converging, stopping, checking.
const AROUND_MS: u64 = 5_000;
/// A soak of more rounds than this is a typing error: a week and a half.
const MAX_ROUNDS: u32 = 26_000;

/// What round `number` (from 1) of the soak with this seed does to a system.
///
/// # Errors
/// None in practice: every plan that is drawn is valid.
pub fn round_plan(seed: u64, number: u32, under_test: &UnderTest) -> Result<Plan, PlanError> {
    round_plan_of(seed, number, under_test, None)
}

/// The same for a variant of a target: it is loaded and broken as the default one is.
///
/// # Errors
/// As of [`round_plan`].
pub(super) fn round_plan_of(
    seed: u64,
    number: u32,
    under_test: &UnderTest,
    variant: Option<&str>,
) -> Result<Plan, PlanError> {
    let mut rng = choice::client_rng(seed, 0.0, number, NO_CLIENT);
    let load_ms = rng.random_range(SHORTEST_LOAD_MS..=LONGEST_LOAD_MS);
    let quantity = one_of(&mut rng, &QUANTITIES);
    let replicas = one_of(&mut rng, &REPLICAS);
    // A target of somebody's own is taken as it was read, and nothing is done that it may not be made for.
    let replicas = match under_test.is_named() {
        true => u8::try_from(under_test.target().plan.replicas).unwrap_or(replicas),
        false => replicas,
    };
    let rate: Vec<f64> =
        rng.random_bool(0.5).then(|| one_of(&mut rng, &RATES)).into_iter().collect();
    let kind = one_of(&mut rng, &[ArrivalKind::Constant, ArrivalKind::Poisson]);
    let clients = one_of(&mut rng, if rate.is_empty() { &CLIENTS[..] } else { &OPEN_LOOP_CLIENTS });
    let cache = if rng.random_ratio(2, 3) { CacheSetting::On } else { CacheSetting::Off };
    let load = Load {
        clients: Some(clients),
        arrivals: (!rate.is_empty()).then_some(kind),
        rate,
        duration_s: Some(load_ms as f64 / 1000.0),
        p: vec![one_of(&mut rng, &P)],
        peek: one_of(&mut rng, &PEEKS),
        warm_up_s: WARM_UP_S,
        // A plan's seed is at most i64::MAX, for TOML.
        seed: rng.random_range(0..=i64::MAX as u64),
        request_timeout_ms: REQUEST_TIMEOUT_MS,
        ..Load::default()
    };
    let variants = variant.map(str::to_owned).into_iter().collect();
    let mut system = System { cache: vec![cache], replicas, variants, ..System::default() };
    if under_test.takes("quantity") && under_test.takes("cap") {
        (system.quantity, system.cap) = (quantity, quantity);
    }
    let under_test = under_test.for_plan(system.values(&load))?;
    let target = under_test.target();
    let repertoire = match under_test.is_named() {
        true => Repertoire::Processes {
            links: relays::links(target, under_test.variant(variant).or(target.default_variant())),
        },
        false => Repertoire::Everything,
    };
    let mut faults = faults::draw(&mut rng, load_ms, &under_test.processes(), &repertoire);
    if target.processes.iter().any(|process| process.host.is_some()) {
        // Who is on another host cannot be slow. A delay takes `netem` there, and where one host lacks that all links of the round would go
        // through relays; a system whose members must all be told the same ports cannot have any, so its links would not be broken at all.
        faults.retain(|fault| !matches!(fault.action, Action::Slow | Action::Delay));
    }
    let plan = Plan {
        name: format!("round-{number:03}"),
        load,
        system,
        checks: Checks {
            converge_within_ms: CONVERGE_WITHIN_MS,
            recovery_ms: RECOVERY_MS,
            ..Checks::default()
        },
        faults,
        under_test,
        ..Plan::default()
    };
    plan.checked(&format!("round {number} of seed {seed}"))
}

/// How long a round takes, as far as its plan says.
#[must_use]
pub fn planned_time(plan: &Plan) -> Duration {
    let load_ms = plan.load.duration_ms().unwrap_or(LONGEST_LOAD_MS);
    let recovery_ms = plan.checks.recovery_ms;
    Duration::from_millis(plan.load.warm_up_ms() + load_ms + recovery_ms + AROUND_MS)
}

/// How many rounds of this seed fill `time`, by their plans: at least one.
///
/// # Errors
/// As of [`round_plan`].
pub fn rounds_within(seed: u64, time: Duration, under_test: &UnderTest) -> Result<u32, PlanError> {
    let (mut rounds, mut planned) = (0, Duration::ZERO);
    while rounds == 0 || (planned < time && rounds < MAX_ROUNDS) {
        rounds += 1;
        planned += planned_time(&round_plan(seed, rounds, under_test)?);
    }
    Ok(rounds)
}

fn one_of<T: Copy>(rng: &mut Xoshiro256PlusPlus, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use ::faults::schedule::{Fault, FaultAction, FaultTarget, Link, LinkEnd, Target};

    use results::records::built_in;

    use super::*;

    fn plans() -> impl Iterator<Item = Plan> {
        (0..30).flat_map(|seed| {
            (1..=50).map(move |round| round_plan(seed, round, &UnderTest::default()).unwrap())
        })
    }

    #[test]
    fn a_round_depends_on_the_seed_and_its_number_alone() {
        assert_eq!(
            round_plan(7, 3, &UnderTest::default()).unwrap(),
            round_plan(7, 3, &UnderTest::default()).unwrap()
        );
        assert_ne!(
            round_plan(7, 3, &UnderTest::default()).unwrap(),
            round_plan(7, 4, &UnderTest::default()).unwrap()
        );
        assert_ne!(
            round_plan(7, 3, &UnderTest::default()).unwrap(),
            round_plan(8, 3, &UnderTest::default()).unwrap()
        );
    }

    #[test]
    fn every_round_is_a_valid_plan_and_survives_being_written_down() {
        for plan in plans() {
            let text = plan.to_toml().unwrap();
            assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan, "{text}");
            assert_eq!(plan.cells().len(), 1);
        }
    }

    #[test]
    fn the_first_fault_of_a_round_is_certain_and_the_others_may_meet_nobody() {
        for plan in plans() {
            let certain: Vec<_> = plan.faults.iter().map(|fault| !fault.if_possible).collect();
            assert!(certain[0] && !certain[1..].contains(&true));
            assert!(plan.faults[0].target.is_some());
            assert_eq!(plan.cells()[0].planned_faults, 1);
        }
    }

    fn all_of(link: Link) -> String {
        let front_end = LinkEnd::Target(built_in::front_end().into());
        let whose = if link.ends().contains(&front_end) { "the front-end" } else { "another" };
        format!("all links of {whose}")
    }

    #[test]
    fn floods_come_in_all_kinds_and_leave_room_for_whoever_behaves() {
        let floods: Vec<_> =
            plans().flat_map(|plan| plan.faults).filter(|fault| fault.kind.is_some()).collect();
        let kinds: BTreeSet<_> =
            floods.iter().map(|fault| fault.kind.unwrap().to_string()).collect();
        assert_eq!(kinds.len(), 3);
        assert!(floods.iter().all(|fault| fault.connections.unwrap() < 1024));
    }

    #[test]
    fn everything_that_can_break_breaks_alone_and_on_top_of_something_else() {
        let (mut alone, mut overlapping) = (BTreeSet::new(), BTreeSet::new());
        for plan in plans() {
            let schedule = plan.schedule();
            let processes = plan.processes();
            let is_replica = |name| processes.is_replica(name);
            let faults = schedule.faults();
            // Changed files last as long as their process is dead, and are no fault beside that.
            let killed = |fault: &Fault| match fault.action {
                FaultAction::Files { of, .. } => of,
                _ => fault.number,
            };
            let ends = |fault: &Fault| {
                let killed = faults.iter().find(|one| one.number == killed(fault));
                killed.and_then(|one| one.ends_at_ms).unwrap_or(u64::MAX)
            };
            for fault in faults {
                let crowded = faults.iter().any(|other| {
                    killed(other) != killed(fault)
                        && other.at_ms < ends(fault)
                        && fault.at_ms < ends(other)
                });
                let place = match fault.target {
                    FaultTarget::Link(link) if link.ends().contains(&LinkEnd::Any) => all_of(link),
                    FaultTarget::Link(_) => "link".to_owned(),
                    FaultTarget::Own(name) => panic!("{name} was drawn"),
                    FaultTarget::Process(Target::Process(name)) if is_replica(name) => {
                        "order".to_owned()
                    }
                    FaultTarget::Process(target) => target.to_string(),
                };
                let kinds = if crowded { &mut overlapping } else { &mut alone };
                kinds.insert((fault.action.begin().to_string(), place));
            }
        }
        let processes = ["leader", "follower", "order", "catalog", "front-end"];
        let of_processes = [
            Action::Kill,
            Action::Pause,
            Action::PowerCut,
            Action::LoseFiles,
            Action::OldFiles,
            Action::Slow,
            Action::Flood,
        ]
        .into_iter()
        .flat_map(|action| processes.map(|name| (action.to_string(), name.to_owned())));
        let of_disks = [Action::StallDisk, Action::SlowDisk, Action::FullDisk]
            .into_iter()
            .flat_map(|action| {
                // The front-end writes when somebody is elected, removed or added, and hardly ever else.
                processes[..4].iter().map(move |name| (action.to_string(), (*name).to_owned()))
            });
        let links = ["link", "all links of the front-end", "all links of another"];
        let of_links = [Action::Cut, Action::Delay, Action::Throttle]
            .into_iter()
            .flat_map(|action| links.map(|link| (action.to_string(), link.to_owned())));
        let all: BTreeSet<_> = of_processes.chain(of_disks).chain(of_links).collect();
        assert_eq!(alone, all);
        assert_eq!(overlapping, all);
    }

    #[test]
    fn settings_vary_between_rounds() {
        let plans: Vec<_> = plans().collect();
        let varied = |value: &dyn Fn(&Plan) -> String| {
            plans.iter().map(value).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(varied(&|plan| plan.load.p[0].to_string()), P.len());
        let rates = varied(&|plan| format!("{:?}", plan.load.rate));
        assert_eq!(rates, 1 + RATES.len(), "closed loops, and open ones of every rate");
        let kinds = varied(&|plan| format!("{:?}", plan.load.arrivals));
        assert_eq!(kinds, 3, "none in a closed loop");
        let clients: BTreeSet<u32> = plans.iter().map(|plan| plan.load.clients()).collect();
        assert_eq!(clients, CLIENTS.into_iter().chain(OPEN_LOOP_CLIENTS).collect());
        assert_eq!(varied(&|plan| plan.system.cache[0].to_string()), 2);
        assert_eq!(varied(&|plan| plan.system.replicas.to_string()), 3);
        assert_eq!(varied(&|plan| plan.schedule().breaks_links().to_string()), 2);
    }

    #[test]
    fn rounds_of_somebody_elses_service_break_its_own_processes_and_nothing_else() {
        let naive = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/naive/naive.toml");
        let naive = UnderTest::read(Some(&naive), 3).unwrap();
        let mut met = BTreeSet::new();
        let mut broken = BTreeSet::new();
        for fault in (1..=60).flat_map(|number| round_plan(7, number, &naive).unwrap().faults) {
            match (fault.target, fault.link) {
                (Some(target), _) => _ = met.insert((fault.action.to_string(), target.to_string())),
                (None, link) => {
                    assert!(fault.action.is_of_links());
                    broken.extend(link.unwrap().ends().map(|end| end.to_string()));
                }
            }
        }
        let ends = ["any", "catalog", "front-end", "order-1", "order-2", "order-3"];
        assert_eq!(broken, ends.map(str::to_owned).into());
        let targets =
            ["leader", "follower", "catalog", "front-end", "order-1", "order-2", "order-3"];
        let all = ["kill", "pause", "slow"]
            .into_iter()
            .flat_map(|action| targets.map(|target| (action.to_owned(), target.to_owned())));
        assert_eq!(met, all.collect());
    }

    #[test]
    fn more_minutes_are_the_same_rounds_and_more_of_them() {
        let minutes = |minutes: u64| {
            rounds_within(1, Duration::from_secs(60 * minutes), &UnderTest::default()).unwrap()
        };
        assert_eq!(minutes(0), 1);
        let (few, many): (u32, u32) = (minutes(10), minutes(60));
        assert!((14..=20).contains(&few), "{few}");
        assert!((5 * few..=7 * few).contains(&many), "{few} {many}");
    }
}
