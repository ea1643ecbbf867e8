//! What one flush costs on the disk that the systems' files are on: the floor under a durable trade.
//!
//! A file of a page is overwritten and flushed, over and over, as a log that was given its space beforehand is.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use results::stats::Latencies;
use serde_json::Value;
use supervisor::command::{self, Task};
use supervisor::tree::GuardProgram;

/// What is written before each flush.
const PAGE: usize = 4_096;
/// The file has so many pages, which are written one after another.
const PAGES: u64 = 256;
/// How much longer than asked fio may take: it lays out its file first.
const FIO_MORE: Duration = Duration::from_secs(30);

/// Median and 99th percentile of a flush, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flush {
    /// The median.
    pub(crate) p50_ms: f64,
    /// The 99th percentile.
    pub(crate) p99_ms: f64,
}

/// Flushes in `folder` for as long as `span`.
///
/// # Errors
/// If the disk refuses.
pub(crate) async fn flushes(folder: &Path, span: Duration) -> anyhow::Result<Flush> {
    let path = folder.join("flush");
    let work = move || -> anyhow::Result<Flush> {
        let refused = || format!("cannot flush {}", path.display());
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = file.with_context(refused)?;
        let page = [0x5a; PAGE];
        for number in 0..PAGES {
            file.write_all_at(&page, number * PAGE as u64).with_context(refused)?;
        }
        file.sync_all().with_context(refused)?;
        let (mut latencies, begun) = (Latencies::default(), Instant::now());
        for number in 0.. {
            let sent = Instant::now();
            file.write_all_at(&page, number % PAGES * PAGE as u64).with_context(refused)?;
            file.sync_data().with_context(refused)?;
            latencies.record(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
            if begun.elapsed() >= span {
                break;
            }
        }
        std::fs::remove_file(&path).with_context(refused)?;
        let ms = |quantile| latencies.percentile_us(quantile).map(|us| us as f64 / 1e3);
        let flush = ms(0.5).zip(ms(0.99)).map(|(p50_ms, p99_ms)| Flush { p50_ms, p99_ms });
        flush.context("nothing was flushed")
    };
    tokio::task::spawn_blocking(work).await?
}

/// The same by fio.
///
/// # Errors
/// If it fails or says something else than it used to.
pub(crate) async fn fio(
    fio: &Path,
    guard: &GuardProgram,
    folder: &Path,
    span: Duration,
) -> anyhow::Result<Flush> {
    let (log, report) = (folder.join("fio.log"), folder.join("fio.json"));
    let command = [
        fio.display().to_string(),
        "--name=flush".to_owned(),
        format!("--directory={}", folder.display()),
        "--ioengine=psync".to_owned(),
        "--rw=write".to_owned(),
        "--bs=4k".to_owned(),
        "--size=1m".to_owned(),
        "--overwrite=1".to_owned(),
        "--fdatasync=1".to_owned(),
        "--time_based".to_owned(),
        format!("--runtime={}ms", span.as_millis()),
        "--unlink=1".to_owned(),
        "--output-format=json".to_owned(),
        format!("--output={}", report.display()),
    ];
    let task = Task {
        command: command.to_vec(),
        environment: std::collections::BTreeMap::new(),
        working_dir: folder.to_owned(),
        user: None,
    };
    command::run(guard, &task, &log, span + FIO_MORE).await?;
    let text = std::fs::read_to_string(&report).context("fio wrote no report")?;
    parsed(&text)
}

/// What fio's report says of its flushes.
fn parsed(report: &str) -> anyhow::Result<Flush> {
    let report: Value = serde_json::from_str(report).context("fio's report is not JSON")?;
    let percentiles = &report["jobs"][0]["sync"]["lat_ns"]["percentile"];
    let ms = |name: &str| {
        let ns = percentiles[name].as_f64();
        ns.map(|ns| ns / 1e6).with_context(|| format!("fio's report has no percentile {name}"))
    };
    Ok(Flush { p50_ms: ms("50.000000")?, p99_ms: ms("99.000000")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fio_tells_its_flushes_in_nanoseconds() {
        let report = r#"{"fio version":"fio-3.33","jobs":[{"jobname":"flush","sync":{"total_ios":900,"lat_ns":
            {"min":1,"max":2,"percentile":{"50.000000":440320,"99.000000":1253376}}}}]}"#;
        assert_eq!(parsed(report).unwrap(), Flush { p50_ms: 0.44032, p99_ms: 1.253376 });
    }

    #[test]
    fn a_report_without_flushes_is_an_error_and_not_0() {
        let error = parsed(r#"{"jobs":[{"sync":{"total_ios":0}}]}"#).unwrap_err();
        assert!(error.to_string().contains("50.000000"), "{error}");
        assert!(parsed("fio: engine not loadable").is_err());
    }

    #[tokio::test]
    async fn a_flush_takes_time_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let flush = flushes(folder.path(), Duration::from_millis(20)).await.unwrap();
        assert!(flush.p99_ms >= flush.p50_ms);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
