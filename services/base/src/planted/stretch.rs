//! Moments that can be made longer.
//!
//! A rule that is left out does harm only if something happens at just the wrong moment, and some of
//! those moments last microseconds. A stretch makes one of them last up to so many milliseconds,
//! each time another random share from a half to the whole of it, so that what was in one order
//! before the stretch is in another after it. A network or a disk could do the same, so a correct
//! service keeps its promises however it is stretched.

#[cfg(feature = "planted-bugs")]
use std::str::FromStr;
#[cfg(feature = "planted-bugs")]
use std::time::Duration;

#[cfg(feature = "planted-bugs")]
use clap::ValueEnum;

/// A moment that can be made longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "planted-bugs", derive(ValueEnum))]
pub enum Point {
    /// Leader: before a message to a follower is sent.
    Append,
    /// Leader: before a trade is sent to the catalog.
    Trade,
    /// Leader: between the catalog's answer and the trade's number.
    Number,
    /// Leader: between a trade's committed number and the answer to the front-end.
    Answer,
    /// Leader: between handing a batch to the network and flushing its own disk.
    Flush,
    /// Order: each write of the file, whatever for, as on a disk that is slow or hangs.
    Disk,
    /// Front-end: between the catalog's answer to a query and the cache.
    Fill,
}

/// How many points there are.
#[cfg(feature = "planted-bugs")]
const POINTS: usize = 7;
/// Longer than that is a typing error: nobody's patience lasts a minute.
#[cfg(feature = "planted-bugs")]
const MAX_MS: u16 = 60_000;

/// `POINT=MS`, as it was typed.
#[cfg(feature = "planted-bugs")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretched(Point, u16);

#[cfg(feature = "planted-bugs")]
impl FromStr for Stretched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || format!("write POINT=MS, for example fill=20, with MS up to {MAX_MS}");
        let (point, ms) = text.split_once('=').ok_or_else(wanted)?;
        let point = Point::from_str(point, false)?;
        let ms = ms.parse().ok().filter(|ms| *ms <= MAX_MS).ok_or_else(wanted)?;
        Ok(Self(point, ms))
    }
}

/// By how much each point is stretched: not at all, unless the feature is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretches {
    #[cfg(feature = "planted-bugs")]
    ms: [u16; POINTS],
}

#[cfg(feature = "planted-bugs")]
impl Stretches {
    /// These, and one more.
    #[must_use]
    pub(super) fn with(mut self, Stretched(point, ms): Stretched) -> Self {
        self.ms[point as usize] = ms;
        self
    }

    /// Passes the time that `point` is stretched by.
    pub async fn pass(self, point: Point) {
        if let Some(duration) = self.duration(point) {
            tokio::time::sleep(duration).await;
        }
    }

    /// The same, on a thread that may wait.
    pub fn pass_blocking(self, point: Point) {
        if let Some(duration) = self.duration(point) {
            std::thread::sleep(duration);
        }
    }

    fn duration(self, point: Point) -> Option<Duration> {
        let longest_us = u128::from(self.ms[point as usize]) * 1000;
        if longest_us == 0 {
            return None;
        }
        let random = uuid::Uuid::new_v4().as_u128() % (longest_us / 2 + 1);
        let us = u64::try_from(longest_us / 2 + random).unwrap_or(u64::MAX);
        Some(Duration::from_micros(us))
    }
}

#[cfg(not(feature = "planted-bugs"))]
impl Stretches {
    /// Nothing is stretched in a build without the feature.
    pub async fn pass(self, _point: Point) {}

    /// Nothing is stretched in a build without the feature.
    pub fn pass_blocking(self, _point: Point) {}
}
