//! What the command line lays over a plan.

use driver::arrivals::ArrivalKind;

use super::Plan;

/// Values from the command line; each stands above the plan's.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Overrides {
    /// Seed of every random choice (load.seed)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Measured seconds per cell (load.duration_s)
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,
    /// How many clients, in an open loop how many requests in flight (load.clients)
    #[arg(long, value_name = "N")]
    pub clients: Option<u32>,
    /// How often every cell is run (load.trials)
    #[arg(long, value_name = "N")]
    pub trials: Option<u32>,
    /// Probabilities of a follow-up trade, separated by commas (load.p)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub p: Option<Vec<f64>>,
    /// An open loop with so many iterations per second, separated by commas (load.rate)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub rate: Option<Vec<f64>>,
    /// How the arrivals of an open loop are spread (load.arrivals) [default: poisson]
    #[arg(long, value_enum)]
    pub arrivals: Option<ArrivalKind>,
    /// A variant of the target to start; two are compared (system.variants) [default: cache-on and cache-off, or the one that is marked]
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<String>,
}

impl Overrides {
    pub(super) fn apply(&self, plan: &mut Plan) {
        if let Some(seed) = self.seed {
            plan.load.seed = seed;
        }
        if let Some(duration_s) = self.duration {
            plan.load.duration_s = Some(duration_s);
            plan.load.iterations = None;
        }
        if let Some(clients) = self.clients {
            plan.load.clients = Some(clients);
        }
        if let Some(trials) = self.trials {
            plan.load.trials = trials;
        }
        if let Some(p) = &self.p {
            plan.load.p.clone_from(p);
        }
        if let Some(rate) = &self.rate {
            plan.load.rate.clone_from(rate);
        }
        if !self.variants.is_empty() {
            plan.system.variants.clone_from(&self.variants);
        }
        plan.load.arrivals = self.arrivals.or(plan.load.arrivals);
        plan.load.spell_out();
    }
}
