//! How stale reads were, and how much opportunity they had to be.
//!
//! A read is stale by the time since the acknowledgement of the oldest trade that it does not show.
//! That none was says little unless reads came soon after acknowledgements: so every read is counted by
//! how long before it the newest trade on its stock had been acknowledged. Those of the first
//! millisecond are the hard ones.

mod reads;

use std::collections::BTreeMap;

use plotters::element::Rectangle;
use plotters::style::Color;
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Frame, Grid, Panel, WIDTH};
use super::input::ChartInput;
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look};
use super::trial::TrialView;
use super::words::{Way, setting, to_ms};
use crate::checks::why;
use crate::records::{Fact, Manifest};
use crate::text::{counted, ms};
use reads::Read;

/// The height of a panel, and that of the only one.
const PANEL_HEIGHT: i32 = 370;
const LONE_PANEL_HEIGHT: i32 = 560;
/// Bars per factor of ten in time.
const BARS_PER_DECADE: f64 = 4.0;
/// A read within this of an acknowledgement is a hard one.
const HARD_MS: f64 = 1.0;
/// Times below this are counted as this: clients' clocks do not tell less apart.
const SHORTEST_MS: f64 = 0.001;
/// How many reads a bar stands for at the least: the lower end of the axis, so that one is seen.
const LOWEST: f64 = 0.5;
/// How much narrower than a bar of all reads a bar of stale ones is, in pixels on each side.
const INSET: i32 = 3;

/// What the target must tell.
const NEEDED: [Fact; 4] = [Fact::Queries, Fact::Trades, Fact::Volume, Fact::AppliedTrades];

/// Reads per class of time; the class is the exponent of the bar's left edge.
type Histogram = BTreeMap<i32, u64>;

/// The reads of one setting.
#[derive(Debug, Default, PartialEq)]
struct Setting {
    way: Way,
    name: String,
    reads: u64,
    hard: u64,
    stale: u64,
    stalest_us: u64,
    since_ack: Histogram,
    staleness: Histogram,
}

impl Setting {
    fn new(way: Way, during_fault: bool, reads: &[Read]) -> Self {
        let name = name(&way, during_fault);
        let of = |read: &&Read| (read.cache, read.during_fault) == (way.cache, during_fault);
        let mut setting = Self { name, way: way.clone(), ..Self::default() };
        for read in reads.iter().filter(of) {
            setting.reads += 1;
            setting.hard += u64::from(to_ms(read.since_ack_us) < HARD_MS);
            *setting.since_ack.entry(class(read.since_ack_us)).or_default() += 1;
            if let Some(stale_us) = read.stale_us {
                setting.stale += 1;
                setting.stalest_us = setting.stalest_us.max(stale_us);
                *setting.staleness.entry(class(stale_us)).or_default() += 1;
            }
        }
        setting
    }

    /// `cache on: 0 of 1204 reads stale · 17 within 1 ms`.
    fn heading(&self) -> String {
        let worst = if self.stale > 0 {
            format!(", by up to {}", ms(self.stalest_us))
        } else {
            String::new()
        };
        let reads = counted(self.reads, "read", "reads");
        let name = if self.name.is_empty() { String::new() } else { format!("{}: ", self.name) };
        format!("{name}{} of {reads} stale{worst} · {} within 1 ms", self.stale, self.hard)
    }
}

/// `cache on`, `cache on, during a fault`; empty where there is nothing to tell apart.
fn name(way: &Way, during_fault: bool) -> String {
    let fault = during_fault.then_some("during a fault");
    way.name.as_deref().into_iter().chain(fault).collect::<Vec<_>>().join(", ")
}

/// Which bar a time belongs to.
fn class(us: u64) -> i32 {
    (to_ms(us).max(SHORTEST_MS).log10() * BARS_PER_DECADE).floor() as i32
}

/// Where a bar begins, in milliseconds.
fn edge_ms(class: i32) -> f64 {
    10_f64.powf(f64::from(class) / BARS_PER_DECADE)
}

/// The chart of a run.
pub(super) struct Staleness {
    frame: Frame,
    settings: Vec<Setting>,
    time: Axis,
    number: Axis,
}

impl Staleness {
    pub(super) fn new(material: &ChartInput<'_>, trials: &[TrialView<'_>]) -> Attempt<Self> {
        let lacks = material.run.target().lacks(&NEEDED);
        if !lacks.is_empty() {
            return Err(format!("staleness: {}", why(&lacks)));
        }
        let reads = reads::all(material, trials);
        let manifest = material.run.manifest();
        let settings = [(true, false), (true, true), (false, false), (false, true)]
            .map(|(cache, fault)| Setting::new(Way::of(manifest, cache), fault, &reads));
        let settings: Vec<Setting> =
            settings.into_iter().filter(|setting| setting.reads > 0).collect();
        if settings.is_empty() {
            return Err("staleness: no read came after an acknowledged trade".to_owned());
        }
        let bars = || {
            settings.iter().flat_map(|setting| setting.since_ack.iter().chain(&setting.staleness))
        };
        let edges = bars().flat_map(|(&class, _)| [edge_ms(class), edge_ms(class + 1)]);
        let time = Axis::logarithmic(
            "from the newest acknowledged trade on the stock to the read (ms, log scale)",
            edges.chain([HARD_MS]),
        );
        let numbers = bars().map(|(_, &number)| number as f64).chain([LOWEST]);
        let number = Axis::logarithmic("reads (log scale)", numbers);
        let whatever = if manifest.tells_cache() { ", whatever the cache" } else { "" };
        let frame = Frame {
            title: "How soon reads followed an acknowledged trade, and how many did not show it"
                .to_owned(),
            subtitle: format!(
                "{}\na read that begins after a trade on its stock was acknowledged must show it\
                 {whatever}: none may be stale",
                setting(manifest)
            ),
            legend: legend(&settings, manifest),
        };
        Ok(Self { frame, settings, time, number })
    }

    fn grid(&self) -> Grid {
        let height = if self.settings.len() == 1 { LONE_PANEL_HEIGHT } else { PANEL_HEIGHT };
        Grid::new(self.settings.len(), self.frame.height(), height)
    }

    fn draw_bars<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
        (bars, look, inset): (&Histogram, Look, i32),
    ) -> Drawing<DB> {
        for (&class, &number) in bars {
            let (left, top) = panel.at((edge_ms(class), number as f64));
            let (right, bottom) = panel.at((edge_ms(class + 1), LOWEST));
            let corners = [(left + inset, top), (right - inset - 1, bottom)];
            area.draw(&Rectangle::new(corners, look.colour.filled()))?;
        }
        Ok(())
    }
}

fn legend(settings: &[Setting], manifest: &Manifest) -> Vec<(Look, String)> {
    let mut legend: Vec<(Look, String)> = Vec::new();
    for cache in [true, false] {
        if settings.iter().any(|setting| setting.way.cache == cache) {
            let label = Way::of(manifest, cache).with("reads");
            legend.push((palette::reads(cache), label));
        }
    }
    let stale: u64 = settings.iter().map(|setting| setting.stale).sum();
    legend.push((palette::stale(), format!("stale ones, by how stale they were ({stale})")));
    legend.push((palette::reference(), "1 ms".to_owned()));
    legend
}

impl Figure for Staleness {
    fn card(&self) -> Chart {
        let headings: Vec<String> = self.settings.iter().map(Setting::heading).collect();
        Chart {
            stem: "staleness".to_owned(),
            title: self.frame.title.clone(),
            alt: format!(
                "Reads by the time since the newest acknowledged trade on their stock. {}.",
                headings.join("; ")
            ),
            kind: ChartKind::Staleness,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, self.grid().bottom().unsigned_abs() + 10)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let grid = self.grid();
        for (index, setting) in self.settings.iter().enumerate() {
            let mut panel =
                Panel::small(grid.bounds(index), self.time.clone(), self.number.clone());
            if !grid.is_leftmost(index) {
                panel.y.title.clear();
            }
            panel.draw_axes(area, true)?;
            panel.heading(area, &setting.heading())?;
            let reads = (&setting.since_ack, palette::reads(setting.way.cache), 0);
            self.draw_bars(area, &panel, reads)?;
            self.draw_bars(area, &panel, (&setting.staleness, palette::stale(), INSET))?;
            panel.draw_vertical(area, HARD_MS, palette::reference())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_says_how_many_reads_were_stale_and_how_many_could_hardly_be_fresh() {
        let read = |since_ack_us, stale_us| Read {
            cache: true,
            during_fault: false,
            since_ack_us,
            stale_us,
        };
        let off = Read { cache: false, ..read(5, None) };
        let reads = [read(0, None), read(900, Some(4_500)), read(1_000, None), off];
        let way = |name: Option<&str>| Way { cache: true, name: name.map(str::to_owned) };
        let setting = Setting::new(way(Some("cache on")), false, &reads);
        let heading = "cache on: 1 of 3 reads stale, by up to 4.50 ms · 2 within 1 ms";
        assert_eq!(setting.heading(), heading);
        assert_eq!(setting.since_ack.values().sum::<u64>(), 3);
        assert_eq!(setting.staleness, Histogram::from([(class(4_500), 1)]));
        let during = Setting::new(way(Some("cache on")), true, &reads);
        assert_eq!(
            during.heading(),
            "cache on, during a fault: 0 of 0 reads stale · 0 within 1 ms"
        );
        let plain = [false, true].map(|fault| Setting::new(way(None), fault, &reads).heading());
        let expected = [
            "1 of 3 reads stale, by up to 4.50 ms · 2 within 1 ms",
            "during a fault: 0 of 0 reads stale · 0 within 1 ms",
        ];
        assert_eq!(plain, expected);
    }

    #[test]
    fn bars_of_a_decade_are_equally_wide() {
        assert_eq!([1_000, 1_777, 1_779, 9_999, 10_000].map(class), [0, 0, 1, 3, 4]);
        assert!((edge_ms(4) - 10.0).abs() < 1e-9);
    }
}
