//! `[system]`: the system that a run starts.

use std::fmt;

use serde::{Deserialize, Serialize};
use targets::PlanValues;

use super::{Load, Problems};

/// Whether the front-end caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CacheSetting {
    /// It does.
    On,
    /// Every query goes to the catalog.
    Off,
}

impl CacheSetting {
    /// Whether it does.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

impl fmt::Display for CacheSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "on" } else { "off" })
    }
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DurabilitySetting {
    /// It does: what is acknowledged survives a power cut.
    Flush,
    /// It is left to the operating system: survives a killed process only. For comparison.
    Os,
}

impl fmt::Display for DurabilitySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flush => "flush",
            Self::Os => "os",
        })
    }
}

/// The system that a run starts, afresh for every cell and trial. What its file does not take cannot be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct System {
    /// The cache settings that are compared: one cell each (times `p`).
    pub cache: Vec<CacheSetting>,
    /// How many order replicas there are.
    pub replicas: u8,
    /// Whether a commit waits for the disk.
    pub durability: DurabilitySetting,
    /// How often the front-end pings the leader.
    pub ping_period_ms: u64,
    /// After how long without an answer the leader is given up. A paused leader costs about this.
    pub ping_timeout_ms: u64,
    /// How many of each stock there are at the beginning.
    pub quantity: u32,
    /// How many of a stock there may be at the most. Quantities wander between 0 and this, and a
    /// trade that would leave that range is refused: with 100, one in some fifteen.
    pub cap: u32,
    /// The variants of a target that are compared, of its file's `[variants]`: one cell each (times `p`). Default: `cache-on` and
    /// `cache-off`, as far as it has them and `cache` names them; else the one that is marked `default`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// Rules that the services leave out on purpose, for services built to be proved with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plant: Vec<String>,
    /// Moments that such services make longer, each as `POINT=MS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stretch: Vec<String>,
}

/// How many variants a run compares: two are told apart in every chart, by colour, by stroke and by side.
pub(super) const MAX_VARIANTS: usize = 2;
/// Beyond this the replicas of one machine compete for its cores, not with each other.
const MAX_REPLICAS: u8 = 9;
/// Far from where adding one more could overflow anything.
const MAX_QUANTITY: u32 = 1_000_000_000;

impl Default for System {
    fn default() -> Self {
        Self {
            cache: vec![CacheSetting::On, CacheSetting::Off],
            replicas: 3,
            durability: DurabilitySetting::Flush,
            ping_period_ms: 100,
            ping_timeout_ms: 300,
            quantity: 100,
            cap: 100,
            variants: Vec::new(),
            plant: Vec::new(),
            stretch: Vec::new(),
        }
    }
}

impl System {
    /// What a target's file may take of the plan, with `load`.
    pub(crate) fn values(&self, load: &Load) -> PlanValues {
        PlanValues {
            replicas: u32::from(self.replicas),
            durability: self.durability.to_string(),
            ping_period_ms: self.ping_period_ms,
            ping_timeout_ms: self.ping_timeout_ms,
            quantity: self.quantity,
            cap: self.cap,
            plant: self.plant.clone(),
            stretch: self.stretch.clone(),
            request_timeout_ms: load.request_timeout_ms.max(1),
        }
    }

    /// The same, of a plan that may break rules: what a plan has by itself, where it does.
    pub(super) fn sound_values(&self, load: &Load) -> PlanValues {
        let mut problems = Problems::default();
        self.validate(&mut problems);
        let sound = problems.into_result("").is_ok();
        if sound { self.values(load) } else { Self::default().values(load) }
    }

    /// The fields that are something else than they are by themselves, of those that a file must take.
    pub(super) fn set(&self) -> impl Iterator<Item = &'static str> + use<> {
        let usual = Self::default();
        let fields = [
            ("durability", self.durability != usual.durability),
            ("ping_period_ms", self.ping_period_ms != usual.ping_period_ms),
            ("ping_timeout_ms", self.ping_timeout_ms != usual.ping_timeout_ms),
            ("quantity", self.quantity != usual.quantity),
            ("cap", self.cap != usual.cap),
            ("plant", self.plant != usual.plant),
            ("stretch", self.stretch != usual.stretch),
        ];
        fields.into_iter().filter(|(_, is_set)| *is_set).map(|(field, _)| field)
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.unless(!self.cache.is_empty(), "system.cache", || {
            "is empty: name \"on\", \"off\" or both".to_owned()
        });
        problems.unless(
            self.cache.len() < 2 || self.cache.len() == 2 && self.cache[0] != self.cache[1],
            "system.cache",
            || "names a setting twice: name \"on\", \"off\" or both".to_owned(),
        );
        problems.within("system.replicas", self.replicas, 1, MAX_REPLICAS);
        problems.within("system.ping_period_ms", self.ping_period_ms, 10, 60_000);
        problems.within("system.ping_timeout_ms", self.ping_timeout_ms, 10, 60_000);
        problems.within("system.quantity", self.quantity, 1, MAX_QUANTITY);
        problems.within("system.cap", self.cap, 1, MAX_QUANTITY);
        problems.unless(self.quantity <= self.cap, "system.quantity", || {
            format!("is {}, must not be over system.cap ({})", self.quantity, self.cap)
        });
    }
}
