//! The flags that plant something. A build without the feature `planted-bugs` does not have them.
//!
//! Bugs and stretches can come from the environment instead, for a bug that `ps` shall not tell.

use super::Planted;
#[cfg(feature = "planted-bugs")]
use super::{Bug, Bugs, Panics, Part, Slowdown, Stretches, stretch::Stretched};

/// What is planted, as it was typed.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct PlantedArgs {
    /// Leave a rule out on purpose, to see that the checks notice; repeat it for several
    #[cfg(feature = "planted-bugs")]
    #[arg(
        long,
        value_enum,
        value_name = "BUG",
        value_delimiter = ',',
        env = "BAZAAR_PLANT",
        hide_env_values = true
    )]
    plant: Vec<Bug>,
    /// Make a moment up to MS milliseconds longer, so that a fault hits it; repeat it for several
    #[cfg(feature = "planted-bugs")]
    #[arg(
        long,
        value_name = "POINT=MS",
        value_delimiter = ',',
        env = "BAZAAR_STRETCH",
        hide_env_values = true
    )]
    stretch: Vec<Stretched>,
    /// Make every trade take PERCENT longer than it would have taken the order service
    #[cfg(feature = "planted-bugs")]
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    slow_trades: u16,
    /// Have a part panic at the first thing that it does, to see that its process ends
    #[cfg(feature = "planted-bugs")]
    #[arg(long, value_enum, value_name = "PART")]
    panic_at: Option<Part>,
}

#[cfg(feature = "planted-bugs")]
impl From<&PlantedArgs> for Planted {
    fn from(args: &PlantedArgs) -> Self {
        let bugs = args.plant.iter().fold(Bugs::default(), |bugs, bug| bugs.with(*bug));
        plant_in_process(bugs);
        Self {
            bugs,
            slowdown: Slowdown::percent(args.slow_trades),
            panics: Panics::at(args.panic_at),
            stretches: args.stretch.iter().fold(Stretches::default(), |all, one| all.with(*one)),
        }
    }
}

/// What no value knows that it concerns: it holds for the process.
#[cfg(feature = "planted-bugs")]
fn plant_in_process(bugs: Bugs) {
    if bugs.has(Bug::TakeAnyNumber) {
        wire::planted::take_any_number();
    }
    if bugs.has(Bug::TakeAnyLength) {
        wire::planted::take_any_length();
    }
    if bugs.has(Bug::OutlivePanics) {
        super::panics::outlive();
    }
}

#[cfg(not(feature = "planted-bugs"))]
impl From<&PlantedArgs> for Planted {
    fn from(_args: &PlantedArgs) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Args {
        #[command(flatten)]
        planted: PlantedArgs,
    }

    fn planted(typed: &[&str]) -> Option<Planted> {
        let args = Args::try_parse_from([&["service"], typed].concat()).ok()?;
        Some(Planted::from(&args.planted))
    }

    #[test]
    fn nothing_is_planted_unless_it_is_asked_for() {
        assert_eq!(planted(&[]), Some(Planted::default()));
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[test]
    fn a_build_without_the_feature_refuses_the_flags() {
        assert_eq!(planted(&["--plant", "skip-invalidation"]), None);
        assert_eq!(planted(&["--stretch", "fill=10"]), None);
        assert_eq!(planted(&["--slow-trades", "20"]), None);
        assert_eq!(planted(&["--panic-at", "detector"]), None);
    }

    #[cfg(feature = "planted-bugs")]
    #[test]
    fn what_is_hidden_from_the_command_line_comes_from_the_environment_and_no_help_tells_it() {
        use clap::CommandFactory;

        let command = Args::command();
        for (flag, variable) in [("plant", "BAZAAR_PLANT"), ("stretch", "BAZAAR_STRETCH")] {
            let mut known = command.get_arguments();
            let argument = known.find(|argument| argument.get_id() == flag).unwrap();
            assert_eq!(argument.get_env().unwrap(), variable);
            assert!(argument.is_hide_env_values_set());
        }
        let both = planted(&["--plant", "skip-invalidation,cache-late-fill"]).unwrap().bugs;
        assert!(both.has(Bug::SkipInvalidation) && both.has(Bug::CacheLateFill));
    }

    #[cfg(feature = "planted-bugs")]
    #[test]
    fn bugs_and_stretches_are_known_by_name() {
        let typed = ["--plant", "skip-invalidation", "--plant", "lead-old-epoch"];
        let bugs = planted(&typed).unwrap().bugs;
        assert!(bugs.has(Bug::SkipInvalidation) && bugs.has(Bug::LeadOldEpoch));
        assert!(!bugs.has(Bug::CacheLateFill));
        assert!(planted(&["--stretch", "fill=10"]).is_some());
        for refused in ["fill", "fill=", "fill=x", "nothing=1", "fill=60001"] {
            assert_eq!(planted(&["--stretch", refused]), None, "{refused}");
        }
        assert_eq!(planted(&["--plant", "nothing"]), None);
        assert!(planted(&["--slow-trades", "20"]).is_some());
        assert_eq!(planted(&["--slow-trades", "1001"]), None);
    }
}
