//! How wrk is called, and what it says.

use anyhow::Context;

use super::Told;

/// One thread: servers of one thread are measured, on few cores.
pub(super) fn arguments(url: &str, connections: usize, seconds: u64) -> Vec<String> {
    let words = ["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--latency", url];
    words.map(str::to_owned).to_vec()
}

/// What it said at its end.
pub(super) fn parsed(said: &str) -> anyhow::Result<Told> {
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim).with_context(|| format!("wrk did not say {name}: {}", said.trim()))
    };
    let requests = said.lines().find_map(|line| line.trim().split_once(" requests in "));
    let requests = requests.and_then(|(number, _)| number.parse().ok());
    Ok(Told {
        requests: requests.context("wrk did not say how many requests there were")?,
        per_second: value("Requests/sec:")?.parse().context("wrk's rate is no number")?,
        failed: failed(said),
        p50_ms: ms(value("50%")?).context("wrk's median has an unknown unit")?,
        p99_ms: ms(value("99%")?).context("wrk's 99th percentile has an unknown unit")?,
        late_p99_ms: None,
    })
}

/// Answers that were no success, and what sockets reported. wrk says neither where there is none.
fn failed(said: &str) -> u64 {
    let lines = said.lines().map(str::trim);
    let told = lines.filter_map(|line| {
        line.strip_prefix("Non-2xx or 3xx responses:").or(line.strip_prefix("Socket errors:"))
    });
    let words = told.flat_map(|line| line.split([' ', ',']));
    words.filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// A time as wrk writes it, such as `812.00us` or `1.20ms`.
fn ms(time: &str) -> Option<f64> {
    let unit = time.find(|letter: char| letter.is_ascii_alphabetic())?;
    let number: f64 = time[..unit].parse().ok()?;
    let factor = match &time[unit..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 5s test @ http://127.0.0.1:1/
  1 threads and 5 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   212.11us  120.00us   4.61ms   92.34%
    Req/Sec    23.92k     1.90k   27.47k    70.00%
  Latency Distribution
     50%  198.00us
     75%  240.00us
     90%  301.00us
     99%    1.02ms
  118973 requests in 5.00s, 23.15MB read
Requests/sec:  23790.44
Transfer/sec:      4.63MB
";

    #[test]
    fn a_report_without_errors_has_none() {
        let told = parsed(SAID).unwrap();
        assert_eq!((told.requests, told.failed), (118_973, 0));
        assert_eq!((told.per_second, told.p50_ms, told.p99_ms), (23_790.44, 0.198, 1.02));
    }

    #[test]
    fn errors_of_both_kinds_are_counted() {
        let said = SAID.replace(
            "Requests/sec",
            "  Socket errors: connect 1, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 40\nRequests/sec",
        );
        assert_eq!(parsed(&said).unwrap().failed, 46);
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        let error = parsed("unable to connect to 127.0.0.1:1 Connection refused").unwrap_err();
        assert!(error.to_string().contains("wrk did not say"), "{error}");
        assert_eq!(
            (ms("3.00m"), ms("2.50s"), ms("7"), ms("7x")),
            (Some(180e3), Some(2500.0), None, None)
        );
    }
}
