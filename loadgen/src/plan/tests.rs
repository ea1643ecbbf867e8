use std::fs;

use driver::arrivals::ArrivalKind;
use faults::schedule::{Action, Target};

use super::*;

fn resolve(text: &str) -> Result<Plan, PlanError> {
    resolve_with(text, &Overrides::default())
}

fn resolve_with(text: &str, overrides: &Overrides) -> Result<Plan, PlanError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(&path, text).unwrap();
    Plan::resolve(&PlanSource::File(path), overrides)
}

/// The lines of a refusal, without the path that each begins with.
fn refusal(text: &str) -> Vec<String> {
    let error = resolve(text).unwrap_err().to_string();
    error.lines().map(|line| line.split_once("mine.toml").unwrap().1.to_owned()).collect()
}

#[test]
fn an_empty_plan_is_all_defaults() {
    let plan = resolve("").unwrap();
    assert_eq!(plan.name, "mine");
    assert_eq!((plan.load.clients, plan.load.trials), (Some(5), 1));
    assert_eq!((plan.load.rates(), plan.load.arrivals), (vec![None], None));
    assert_eq!(plan.load.p, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    assert_eq!(plan.load.duration_ms(), Some(8000));
    assert_eq!(plan.system.replicas, 3);
    assert_eq!(plan.system.durability, DurabilitySetting::Flush);
    assert_eq!(plan.cells().len(), 12);
    assert!(plan.faults.is_empty());
}

#[test]
fn cells_are_in_the_order_of_the_charts() {
    let plan = resolve("[load]\np = [0.0, 0.4, 1]\n").unwrap();
    let ids: Vec<_> = plan.cells().into_iter().map(|cell| cell.id).collect();
    assert_eq!(
        ids,
        [
            "p0-cache-on",
            "p0-cache-off",
            "p0.4-cache-on",
            "p0.4-cache-off",
            "p1-cache-on",
            "p1-cache-off"
        ]
    );
}

#[test]
fn every_mistake_is_named_at_once() {
    let lines = refusal(
        "name = \"a/b\"\n\
         [load]\nclients = 0\np = [0.5, 1.5, 0.5]\nduration_s = 0\nwarm_up_s = -1\ntrials = 0\n\
         [system]\ncache = []\nreplicas = 0\nping_timeout_ms = 0\n\
         [checks]\nconverge_within_ms = 1\n",
    );
    let fields: Vec<_> = lines
        .iter()
        .map(|line| line.strip_prefix(": ").unwrap().split(':').next().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "name",
            "load.clients",
            "load.trials",
            "load.warm_up_s",
            "load.duration_s",
            "load.p",
            "load.p",
            "system.cache",
            "system.replicas",
            "system.ping_timeout_ms",
            "checks.converge_within_ms"
        ],
        "{lines:#?}"
    );
}

#[test]
fn a_field_that_no_plan_has_is_refused_in_one_line() {
    let lines = refusal("[load]\n\nclient = 5\n");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with(", line 3: unknown field `client`, expected one of"), "{lines:?}");
    let lines = refusal("[load]\nclients = \"five\"\n");
    assert!(lines[0].starts_with(", line 2: invalid type"), "{lines:?}");
    assert_eq!(refusal("[load\n").len(), 1);
    assert!(
        refusal("[[faults]]\nat_ms = 1\naction = \"explode\"\ntarget = \"leader\"\n")[0]
            .contains("explode")
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let source = PlanSource::File("no/such/plan.toml".into());
    let error = Plan::resolve(&source, &Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("no/such/plan.toml") && error.contains("--plan"), "{error}");
}

#[test]
fn time_and_iterations_exclude_each_other() {
    let lines = refusal("[load]\nduration_s = 5\niterations = 10\n");
    assert_eq!(lines, [": load.iterations: excludes load.duration_s: keep one of the two"]);
    let plan = resolve("[load]\niterations = 10\n").unwrap();
    assert_eq!((plan.load.duration_ms(), plan.load.iterations), (None, Some(10)));
}

#[test]
fn the_command_line_stands_above_the_plan() {
    let overrides = Overrides {
        seed: Some(9),
        duration: Some(2.5),
        clients: Some(3),
        trials: Some(2),
        p: Some(vec![0.25]),
        rate: Some(vec![50.0, 100.0]),
        arrivals: Some(ArrivalKind::Constant),
        variants: Vec::new(),
    };
    let plan = resolve_with("[load]\niterations = 10\nseed = 1\n", &overrides).unwrap();
    assert_eq!(plan.load.duration_ms(), Some(2500));
    assert_eq!((plan.load.seed, plan.load.clients(), plan.load.trials), (9, 3, 2));
    assert_eq!(plan.load.p, [0.25]);
    assert_eq!((&plan.load.rate[..], plan.load.arrivals), (&[50.0, 100.0][..], overrides.arrivals));
}

#[test]
fn a_rate_opens_the_loop_and_makes_cells() {
    let plan =
        resolve("[load]\np = [0, 0.5]\nrate = [100, 2.5]\n[system]\ncache = [\"on\"]\n").unwrap();
    let cells = plan.cells();
    let ids: Vec<_> = cells.iter().map(|cell| (cell.id.as_str(), cell.rate_per_s)).collect();
    assert_eq!(
        ids,
        [
            ("p0-cache-on-r100", Some(100.0)),
            ("p0-cache-on-r2.5", Some(2.5)),
            ("p0.5-cache-on-r100", Some(100.0)),
            ("p0.5-cache-on-r2.5", Some(2.5)),
        ]
    );
    assert_eq!((plan.load.clients, plan.load.arrivals), (Some(64), Some(ArrivalKind::Poisson)));
    let plan = resolve("[load]\nrate = [100]\nclients = 7\narrivals = \"constant\"\n").unwrap();
    assert_eq!((plan.load.clients, plan.load.arrivals), (Some(7), Some(ArrivalKind::Constant)));
}

#[test]
fn an_open_loop_that_cannot_be_is_refused() {
    let lines = refusal("[load]\nrate = [0, 100, 1e6, 100]\niterations = 5\n");
    assert_eq!(
        lines,
        [
            ": load.rate: an open loop runs for a set time: replace load.iterations by load.duration_s",
            ": load.rate: holds 0, must hold iterations per second from 0.1 to 100000",
            ": load.rate: holds 1000000, must hold iterations per second from 0.1 to 100000",
            ": load.rate: holds 100 twice: name each rate once",
        ]
    );
    let lines = refusal("[load]\nrate = [5000]\nduration_s = 3600\n");
    assert!(lines[0].contains("more than 10000000 arrivals"), "{lines:?}");
    let lines = refusal("[load]\narrivals = \"constant\"\n");
    assert!(lines[0].starts_with(": load.arrivals: needs an open loop"), "{lines:?}");
}

const TWO_KILLS: &str = "\
jitter_ms = 100
[load]
duration_s = 10
[[faults]]
at_ms = 2000
action = \"kill\"
target = \"leader\"
for_ms = 1000
[[faults]]
at_ms = 2600
action = \"kill\"
target = \"leader\"
for_ms = 1000
";

#[test]
fn the_seed_moves_the_faults_and_uses_the_jitter_up() {
    let times = |seed| {
        let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
        let plan = resolve_with(TWO_KILLS, &overrides).unwrap();
        assert_eq!(plan.jitter_ms, 0);
        plan.faults.iter().map(|fault| fault.at_ms).collect::<Vec<_>>()
    };
    assert_eq!(times(1), times(1));
    assert!((2..20).any(|seed| times(seed) != times(1)));
    for seed in 1..200 {
        let times = times(seed);
        assert!((1900..=2100).contains(&times[0]), "{times:?}");
        assert!((2500..=2700).contains(&times[1]), "{times:?}");
    }
}

const LOST_FILES: &str = "\
jitter_ms = 100
[load]
duration_s = 10
[[faults]]
at_ms = 2000
action = \"kill\"
target = \"leader\"
for_ms = 300
[[faults]]
at_ms = 2250
action = \"old-files\"
target = \"leader\"
copied_at_ms = 2100
";

#[test]
fn files_are_changed_at_the_same_distance_from_their_kill_whatever_the_seed() {
    for seed in 1..50 {
        let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
        let plan = resolve_with(LOST_FILES, &overrides).unwrap();
        assert_eq!(plan.faults[1].at_ms - plan.faults[0].at_ms, 250);
    }
    let lines = refusal(&LOST_FILES.replace("2100", "2200"));
    let said = ": faults[1].copied_at_ms: must be at least jitter_ms (100) before at_ms";
    assert_eq!(lines, [said]);
}

#[test]
fn jitter_may_not_swap_faults() {
    let lines = refusal(&TWO_KILLS.replace("jitter_ms = 100", "jitter_ms = 300"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(": faults[1].at_ms: comes 600 ms after"), "{lines:?}");
}

#[test]
fn a_fault_must_be_over_before_the_load_is() {
    let lines = refusal(&TWO_KILLS.replace("duration_s = 10", "duration_s = 3.5"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(": faults[1].at_ms: the fault is over 3700 ms"), "{lines:?}");
}

#[test]
fn faults_need_a_load_that_takes_a_set_time() {
    let lines = refusal(&TWO_KILLS.replace("duration_s = 10", "iterations = 10"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(": load.iterations: faults come at set times"), "{lines:?}");
}

#[test]
fn thresholds_are_kept_for_the_manifest_and_a_wrong_one_is_named() {
    let kept =
        "[checks]\nthresholds = [\"trade.p99_us < 5000\", \"p0-cache-on:query.p50_us < 9\"]\n";
    assert_eq!(resolve(kept).unwrap().checks.thresholds.len(), 2);
    let wrong = refusal(
        "[load]\np = [0.5]\n[checks]\nthresholds = [\"trade.p98_us < 1\", \"p0-cache-on:query.p50_us < 9\"]\n",
    );
    assert!(wrong[0].starts_with(": checks.thresholds[0]: \"trade.p98_us < 1\": trade has no"));
    assert_eq!(
        wrong[1],
        ": checks.thresholds[1]: this plan has no cell \"p0-cache-on\"; it has p0.5-cache-on, \
         p0.5-cache-off"
    );
}

#[test]
fn a_target_that_does_not_exist_is_refused() {
    let text = TWO_KILLS.replacen("\"leader\"", "\"order-4\"", 1);
    let error = resolve(&text).unwrap_err().to_string();
    assert!(error.contains("faults[0].target"), "{error}");
}

#[test]
fn the_built_in_plans_are_what_the_project_promises() {
    let resolve = |plan| Plan::resolve(&PlanSource::BuiltIn(plan), &Overrides::default()).unwrap();
    let bench = resolve(BuiltIn::Bench);
    assert_eq!(bench.name, "bench");
    assert_eq!(bench.load.p, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    assert_eq!(bench.cells().len(), 12);
    let failover = resolve(BuiltIn::Failover);
    let kills_of = |target| {
        let faults = failover.faults.iter();
        faults.filter(|fault| fault.action == Action::Kill && fault.target == Some(target)).count()
    };
    assert!(kills_of(Target::Leader) >= 5);
    assert_eq!(kills_of(Target::Follower), 1);
    assert_eq!(failover.cells().len(), 1);
    assert_eq!(failover.cells()[0].planned_faults, 9);
}

/// "Trades go on whenever what they need is up" demands trades from the ping timeout and a second after the last
/// change of what is broken. Twice nothing changes for long enough to demand them several times over.
#[test]
fn the_failover_plan_leaves_windows_of_five_seconds_in_which_trades_can_be_demanded() {
    const WINDOW_MS: u64 = 5_000;
    for seed in 0..500 {
        let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
        let plan = Plan::resolve(&PlanSource::BuiltIn(BuiltIn::Failover), &overrides).unwrap();
        assert!(plan.system.ping_timeout_ms + 1_000 < WINDOW_MS / 2);
        let end_ms = plan.load.duration_ms().unwrap() + plan.checks.recovery_ms;
        let faults = plan.schedule();
        let changes = faults.faults().iter().flat_map(|it| [Some(it.at_ms), it.ends_at_ms]);
        let mut changes: Vec<u64> = changes.flatten().chain([end_ms]).collect();
        changes.sort_unstable();
        let windows = changes.windows(2).filter(|two| two[1] - two[0] >= WINDOW_MS).count();
        assert!(windows >= 2, "seed {seed}: {changes:?}");
    }
}

#[test]
fn the_built_in_plans_work_with_every_seed() {
    for seed in 0..500 {
        let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
        for plan in BuiltIn::ALL {
            Plan::resolve(&PlanSource::BuiltIn(plan), &overrides).unwrap();
        }
    }
}

/// A built-in plan for another number of replicas; its load lasts a minute longer than it says.
fn with_replicas(plan: BuiltIn, replicas: u8) -> Plan {
    let mut plan: Plan = toml::from_str(plan.text()).unwrap();
    plan.system.replicas = replicas;
    plan.load.duration_s = plan.load.duration_s.map(|duration_s| duration_s + 60.0);
    plan.checked("plan").unwrap()
}

#[test]
fn the_stories_are_told_of_however_many_replicas_there_are() {
    let stories = [BuiltIn::AllDown, BuiltIn::Hang, BuiltIn::Crowd, BuiltIn::RestartThenLead];
    for replicas in [2_u8, 3, 5] {
        let counts = stories.map(|story| with_replicas(story, replicas).schedule().faults().len());
        let n = usize::from(replicas);
        assert_eq!(counts, [2 * n, n + 2, 1, n * (2 * (n - 1) + 1)]);
    }
}

#[test]
fn every_replica_is_the_one_that_died_came_back_and_is_alone_then() {
    let schedule = with_replicas(BuiltIn::RestartThenLead, 4).schedule();
    let down_at = |at_ms: u64| -> Vec<String> {
        let down = schedule.faults().iter().filter(|fault| {
            fault.at_ms <= at_ms && fault.ends_at_ms.is_some_and(|ends_at_ms| ends_at_ms > at_ms)
        });
        down.map(|fault| fault.target.to_string()).collect()
    };
    let all: Vec<String> = (1..=4).map(|id| format!("order-{id}")).collect();
    for (turn, name) in (0..).zip(&all) {
        let at_ms = |phase: u64| down_at(18_000 * turn + phase);
        let others: Vec<_> = all.iter().filter(|other| *other != name).cloned().collect();
        assert_eq!(at_ms(3_500), others, "{name} leads");
        assert_eq!(at_ms(9_500), std::slice::from_ref(name), "and dies");
        assert_eq!(at_ms(15_500), others, "it is back, and leads alone");
        assert!([6_500, 12_500, 18_500].iter().all(|phase| at_ms(*phase).is_empty()));
    }
}

#[test]
fn more_replicas_than_a_story_has_time_for_are_refused_by_the_fault_that_comes_too_late() {
    let mut plan: Plan = toml::from_str(BuiltIn::Hang.text()).unwrap();
    plan.system.replicas = 4;
    let error = plan.checked("plan").unwrap_err().to_string();
    assert!(error.contains("faults[0].at_ms: the fault is over 58000 ms"), "{error}");
}

/// What a plan's cells take, not counting what is around their load.
fn planned_ms(plan: BuiltIn) -> u64 {
    let plan = Plan::resolve(&PlanSource::BuiltIn(plan), &Overrides::default()).unwrap();
    let trials = plan.cells().len() as u64 * u64::from(plan.load.trials);
    trials * (plan.load.warm_up_ms() + plan.load.duration_ms().unwrap())
}

#[test]
fn the_quick_plan_is_quick_and_the_others_take_what_they_say() {
    // What is around the load takes about a second a trial, and all of it may take 75.
    assert!(planned_ms(BuiltIn::Quick) <= 50_000);
    assert!(planned_ms(BuiltIn::Rates) <= 60_000);
    assert!(planned_ms(BuiltIn::Bench) <= 200_000);
    assert!(planned_ms(BuiltIn::RestartThenLead) <= 60_000);
    assert!(planned_ms(BuiltIn::Hang) <= 60_000);
    assert!(planned_ms(BuiltIn::AllDown) <= 25_000);
    assert!(planned_ms(BuiltIn::Crowd) <= 15_000);
    assert!(planned_ms(BuiltIn::Grade) <= 10_000);
}

#[test]
fn the_tours_first_step_has_trials_enough_for_an_answer() {
    let plan = PlanSource::BuiltIn(BuiltIn::Quick);
    let plan = Plan::resolve(&plan, &Overrides::default()).unwrap();
    assert!(plan.load.trials as usize >= results::stats::MIN_TRIALS);
}

#[test]
fn a_plan_that_the_program_carries_can_be_named() {
    let named = |name: &str| PlanSource::new(Some(name.into()), BuiltIn::Bench);
    for plan in BuiltIn::ALL {
        assert_eq!(named(plan.name()), PlanSource::BuiltIn(plan));
        let resolved = Plan::resolve(&named(plan.name()), &Overrides::default()).unwrap();
        assert_eq!(resolved.name, plan.name());
    }
    assert_eq!(named("rates.toml"), PlanSource::File("rates.toml".into()));
    assert_eq!(PlanSource::new(None, BuiltIn::Bench), PlanSource::BuiltIn(BuiltIn::Bench));
}

#[test]
fn only_what_is_known_while_the_load_runs_may_end_it() {
    let kept =
        "[checks]\nabort_on = [\"query.p99_us < 50000\", \"p0-cache-on:trade.failed <= 5\"]\n";
    assert_eq!(resolve(kept).unwrap().checks.abort_on.len(), 2);
    let wrong = refusal(
        "[load]\np = [0.5]\nduration_s = 4\n[checks]\n\
         abort_on = [\"consistency = pass\", \"failover.serving_ms.max < 9\", \"p0-cache-on:query.p50_us < 9\"]\n",
    );
    let known = "is known at the end only, so it belongs into checks.thresholds; while the load runs there \
                 are mean_us, p50_us, p90_us, p99_us, p999_us, max_us, throughput_per_s, failed, unknown of \
                 query, trade, lookup, read, write, compare-and-set, append";
    assert_eq!(wrong[0], format!(": checks.abort_on[0]: \"consistency = pass\" {known}"));
    assert_eq!(wrong[1], format!(": checks.abort_on[1]: \"failover.serving_ms.max < 9\" {known}"));
    assert!(wrong[2].starts_with(": checks.abort_on[2]: this plan has no cell"), "{wrong:?}");
    assert!(wrong[3].starts_with(": checks.abort_on: is looked at from 5 s into the load on"));
}
