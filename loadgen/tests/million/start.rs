//! The bazaar over files that somebody else has written, with stocks of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use faults::bazaar::{Bazaar, ServicePlan, StartError};
use faults::ports::{Reservation, choose_more};
use loadgen::plan::UnderTest;
use loadgen::program::guard_program_at;
use loadgen::target::{Places, resumed};
use targets::PlanValues;

use super::{PING_TIMEOUT_MS, REPLICAS};

/// More than a million orders make anybody say.
const LOG_BYTES: u64 = 1 << 30;

/// A bazaar in a folder: its ports stay, however often it is started.
pub(crate) struct Place {
    under_test: UnderTest,
    ports: BTreeMap<String, u16>,
    _reservation: Reservation,
}

impl Place {
    /// In `folder`: its databases in `data`, its logs in `logs`.
    pub(crate) fn new(folder: &Path) -> Self {
        let values = PlanValues {
            ping_timeout_ms: PING_TIMEOUT_MS,
            cap: prefill::CAP,
            ..u32::from(REPLICAS).into()
        };
        let under_test = UnderTest::read(None, values).unwrap();
        let target = under_test.target();
        let (addresses, reservation) = choose_more(target.ports.len()).unwrap();
        let ports = addresses.iter().map(SocketAddr::port);
        let ports = target.ports.keys().cloned().zip(ports).collect();
        let data = folder.join("data");
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("stocks.txt"), prefill::stocks_file(prefill::STOCKS)).unwrap();
        Self { under_test, ports, _reservation: reservation }
    }

    /// Where the front-end listens.
    pub(crate) fn front_end(&self) -> String {
        format!("127.0.0.1:{}", self.ports["front-end"])
    }

    /// Starts it.
    pub(crate) async fn start(&self, folder: &Path) -> Result<Bazaar, StartError> {
        let program = Path::new(env!("CARGO_BIN_EXE_double-trouble"));
        let places = Places {
            data: &folder.join("copies"),
            scratch: &folder.join("data"),
            logs: &folder.join("logs"),
            bin_dir: program.parent().unwrap(),
        };
        let processes = self.under_test.processes();
        let plan = resumed(self.under_test.target(), processes, places, &self.ports).unwrap();
        let guard = guard_program_at(program);
        Bazaar::start(ServicePlan { guard, log_bytes: LOG_BYTES, ..plan }).await
    }
}
