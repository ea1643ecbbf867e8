//! `load.stages`: a load whose rate, or number of clients, changes while it runs.

use driver::profile::{Piece, Profile};
use results::records::Stage;

use super::load::{MAX_CLIENTS, MAX_SECONDS};
use super::open_loop::{MAX_ARRIVALS, MAX_RATE, MIN_RATE};
use super::{Load, Problems};

/// More stages than this are a mistake: a minute and a half even of the shortest that make sense.
const MAX_STAGES: usize = 100;

/// The rate over time, from when the warm-up begins: that has the first stage's. Nothing if the stages are not
/// of rates.
pub(super) fn profile(load: &Load) -> Option<Profile> {
    let first = load.stages.first()?.rate?;
    let mut pieces = vec![Piece { seconds: load.warm_up_s, from: first, to: first }];
    let mut before = first;
    for stage in &load.stages {
        let to = stage.rate?;
        pieces.push(Piece {
            seconds: stage.duration_s,
            from: if stage.ramp { before } else { to },
            to,
        });
        before = to;
    }
    Some(Profile::new(pieces, before))
}

pub(super) fn validate(load: &Load, problems: &mut Problems) {
    let stages = &load.stages;
    if stages.is_empty() {
        return;
    }
    let mut excludes = |is_there: bool, field: &str, instead: &str| {
        problems.unless(!is_there, field, || {
            format!("excludes load.stages, which say {instead}: keep one of the two")
        });
    };
    excludes(!load.rate.is_empty(), "load.rate", "how much load there is");
    excludes(load.duration_s.is_some(), "load.duration_s", "how long each takes");
    excludes(load.iterations.is_some(), "load.iterations", "how long each takes");
    let has_clients = stages.iter().any(|stage| stage.clients.is_some());
    excludes(has_clients && load.clients.is_some(), "load.clients", "how many there are");
    problems.unless(stages.len() <= MAX_STAGES, "load.stages", || {
        format!("are {}, must be at most {MAX_STAGES}", stages.len())
    });
    let has_rates = stages.iter().any(|stage| stage.rate.is_some());
    problems.unless(!(has_rates && has_clients), "load.stages", || {
        "mix rates and clients: a load is an open loop or a closed one, so name the same in all"
            .to_owned()
    });
    for (index, stage) in stages.iter().enumerate() {
        one(stage, index, problems);
    }
    let seconds: f64 = stages.iter().map(|stage| stage.duration_s).sum();
    problems.unless(seconds <= MAX_SECONDS || seconds.is_nan(), "load.stages", || {
        format!("take {seconds} s together, must take at most {MAX_SECONDS}")
    });
    let arrivals =
        profile(load).map_or(0.0, |profile| profile.area_until(load.warm_up_s + seconds));
    problems.unless(arrivals <= MAX_ARRIVALS || arrivals.is_nan(), "load.stages", || {
        format!("make more than {MAX_ARRIVALS} arrivals: lower a rate, or make a stage shorter")
    });
}

fn one(stage: &Stage, index: usize, problems: &mut Problems) {
    let field = |name: &str| format!("load.stages[{index}].{name}");
    let duration_s = stage.duration_s;
    problems.unless((0.1..=MAX_SECONDS).contains(&duration_s), &field("duration_s"), || {
        format!("is {duration_s}, must be from 0.1 to {MAX_SECONDS} seconds")
    });
    if let Some(rate) = stage.rate {
        problems.unless((MIN_RATE..=MAX_RATE).contains(&rate), &field("rate"), || {
            format!("is {rate}, must be iterations per second from {MIN_RATE} to {MAX_RATE}")
        });
    }
    if let Some(clients) = stage.clients {
        problems.within(&field("clients"), clients, 1, MAX_CLIENTS);
    }
    problems.unless(stage.rate.is_some() || stage.clients.is_some(), &field("rate"), || {
        "is missing: say how much load there is, for example rate = 500 or clients = 20".to_owned()
    });
    problems.unless(!(stage.ramp && index == 0), &field("ramp"), || {
        "has no stage before it to come from: begin with a stage that holds a value".to_owned()
    });
}

#[cfg(test)]
mod tests {
    use super::super::Plan;

    fn plan(load: &str) -> Result<Plan, Vec<String>> {
        let plan: Plan =
            toml::from_str(&format!("name = \"x\"\n[load]\np = [0.5]\n{load}")).unwrap();
        plan.checked("x").map_err(|error| {
            error.to_string().lines().map(|line| line.replacen("plan x: ", "", 1)).collect()
        })
    }

    #[test]
    fn stages_of_rates_open_the_loop_and_say_how_long_it_takes() {
        let plan = plan(
            "warm_up_s = 1\nclients = 7\n\
             stages = [{ duration_s = 2, rate = 100 }, { duration_s = 10, rate = 300, ramp = true }]",
        );
        let plan = plan.unwrap();
        assert_eq!((plan.load.duration_ms(), plan.load.clients()), (Some(12_000), 7));
        let cells = plan.cells();
        assert!(cells.iter().all(|cell| cell.is_open_loop() && cell.rate_per_s.is_none()));
        assert_eq!(cells[0].stages, plan.load.stages);
        let profile = plan.load.profile().unwrap();
        // A second of warm-up and two at 100, ten from 100 to 300, and then 300.
        let known = [(1.0, 100.0), (3.0, 300.0), (8.0, 1050.0), (13.0, 2300.0), (14.0, 2600.0)];
        assert!(known.iter().all(|&(at_s, due)| (profile.area_until(at_s) - due).abs() < 1e-9));
    }

    #[test]
    fn stages_of_clients_are_a_closed_loop_with_as_many_as_the_largest_has() {
        let plan =
            plan("stages = [{ duration_s = 1, clients = 5 }, { duration_s = 1.5, clients = 2 }]");
        let plan = plan.unwrap();
        assert_eq!((plan.load.duration_ms(), plan.load.clients()), (Some(2_500), 5));
        assert!(!plan.cells()[0].is_open_loop() && plan.load.profile().is_none());
    }

    #[test]
    fn a_plan_that_was_kept_says_the_same_again() {
        for stages in ["rate = 100 }, { duration_s = 1, rate = 20, ramp = true", "clients = 3"] {
            let first = plan(&format!("stages = [{{ duration_s = 1, {stages} }}]")).unwrap();
            let kept: Plan = toml::from_str(&first.to_toml().unwrap()).unwrap();
            assert_eq!(kept.checked("x").unwrap(), first);
        }
    }

    #[test]
    fn what_stages_contradict_is_refused_all_at_once() {
        let found = plan(
            "rate = [5]\nduration_s = 1\nclients = 3\n\
             stages = [{ duration_s = 1, clients = 5, ramp = true }, { duration_s = 0, rate = 1e6 }, \
             { duration_s = 1 }]",
        );
        let found = found.unwrap_err();
        let fields: Vec<&str> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
        let expected = [
            "load.rate",
            "load.duration_s",
            "load.clients",
            "load.stages",
            "load.stages[0].ramp",
            "load.stages[1].duration_s",
            "load.stages[1].rate",
            "load.stages[2].rate",
        ];
        assert_eq!(fields, expected, "{found:#?}");
        let with_iterations = "iterations = 9\nstages = [{ duration_s = 1, clients = 5 }]";
        let said = "load.iterations: excludes load.stages, which say how long each takes: keep one of the two";
        assert_eq!(plan(with_iterations).unwrap_err(), [said]);
    }

    #[test]
    fn more_than_an_hour_or_than_the_checks_can_hold_is_refused() {
        let long = plan(
            "stages = [{ duration_s = 3000, clients = 1 }, { duration_s = 3000, clients = 2 }]",
        );
        assert!(long.unwrap_err()[0].contains("take 6000 s together"));
        let many = plan("stages = [{ duration_s = 3000, rate = 5000 }]").unwrap_err();
        assert!(many[0].contains("more than 10000000 arrivals"), "{many:?}");
    }

    #[test]
    fn a_fault_must_be_over_before_the_last_stage_is() {
        let late = "stages = [{ duration_s = 1, rate = 50 }, { duration_s = 1, rate = 90 }]\n\
                    [[faults]]\nat_ms = 1500\naction = \"kill\"\ntarget = \"leader\"\nfor_ms = 600\n";
        assert!(
            plan(late).unwrap_err()[0].starts_with("faults[0].at_ms: the fault is over 2100 ms")
        );
    }
}
