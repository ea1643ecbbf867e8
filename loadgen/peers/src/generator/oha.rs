//! How oha is called, and what it says.

use anyhow::{Context, bail};
use serde_json::Value;

use super::Told;

/// A closed loop; or at a rate, its latencies then counted from when a request was due.
pub(super) fn arguments(
    url: &str,
    connections: usize,
    seconds: u64,
    rate_per_s: Option<u32>,
) -> Vec<String> {
    let (connections, seconds) = (connections.to_string(), format!("{seconds}s"));
    let words = ["--no-tui", "--output-format", "json", "-c", &connections, "-z", &seconds];
    let rate = rate_per_s.map(|rate| rate.to_string());
    let paced = rate.as_deref().map(|rate| ["-q", rate, "--latency-correction"]);
    let words = words.into_iter().chain(paced.into_iter().flatten()).chain([url]);
    words.map(str::to_owned).collect()
}

/// The JSON that it said; other lines may stand around it.
pub(super) fn parsed(said: &str) -> anyhow::Result<Told> {
    let Some((begin, end)) = said.find('{').zip(said.rfind('}')).filter(|(a, b)| a < b) else {
        bail!("oha said no JSON: {}", said.trim())
    };
    let said: Value = serde_json::from_str(&said[begin..=end]).context("oha's JSON is broken")?;
    let number = |group: &str, name: &str| {
        said[group][name].as_f64().with_context(|| format!("oha did not say {group}.{name}"))
    };
    let counted = |group: &str, counts: &dyn Fn(&str) -> bool| -> u64 {
        let entries = said[group].as_object().into_iter().flatten();
        entries.filter(|(name, _)| counts(name)).filter_map(|(_, value)| value.as_u64()).sum()
    };
    let answered = counted("statusCodeDistribution", &|_| true);
    // Those that it broke off at the end of its time are no errors of the server's.
    let broken = counted("errorDistribution", &|name| !name.contains("deadline"));
    let refused = counted("statusCodeDistribution", &|status| !status.starts_with('2'));
    Ok(Told {
        requests: answered + broken,
        per_second: number("summary", "requestsPerSec")?,
        failed: broken + refused,
        p50_ms: number("latencyPercentiles", "p50")? * 1e3,
        p99_ms: number("latencyPercentiles", "p99")? * 1e3,
        late_p99_ms: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"{"summary":{"successRate":1.0,"total":5.0,"requestsPerSec":20000.5},
        "latencyPercentiles":{"p50":0.0002,"p90":0.0004,"p99":0.0011},
        "statusCodeDistribution":{"200":100000,"503":2},
        "errorDistribution":{"aborted due to deadline":5,"connection refused":1}}"#;

    #[test]
    fn what_it_broke_off_at_the_end_is_no_failure() {
        let told = parsed(&format!("a warning\n{SAID}\n")).unwrap();
        assert_eq!((told.requests, told.failed), (100_003, 3));
        assert_eq!((told.per_second, told.p50_ms), (20_000.5, 0.2));
        assert!((told.p99_ms - 1.1).abs() < 1e-9);
    }

    #[test]
    fn a_rate_has_latencies_count_from_when_a_request_was_due() {
        let paced = arguments("http://a/", 64, 5, Some(1_000)).join(" ");
        assert!(paced.ends_with("-c 64 -z 5s -q 1000 --latency-correction http://a/"), "{paced}");
        assert!(arguments("http://a/", 64, 5, None).join(" ").ends_with("-z 5s http://a/"));
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        assert!(parsed("error: unexpected argument").is_err());
        let error = parsed(r#"{"summary":{}}"#).unwrap_err();
        assert!(error.to_string().contains("requestsPerSec"), "{error}");
    }
}
