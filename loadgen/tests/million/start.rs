//! The bazaar over files that somebody else has written, with stocks of its own: what its file says of its processes,
//! put together here, since a run begins with what a plan says.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use driver::http::measuring_client;
use faults::bazaar::{Bazaar, ServicePlan, StartError};
use faults::disk::DiskFaults;
use faults::dump::{DumpKind, DumpSource};
use faults::host_network::HostLinks;
use faults::ports::{Reservation, choose_more};
use loadgen::plan::UnderTest;
use loadgen::target::asking::Asking;
use loadgen::target::leaders::TargetLeaders;
use results::records::ProcessName;
use supervisor::probe::{Probe, ProbeKind};
use supervisor::system::{Program, Shutdown};
use supervisor::tree::{Inherit, Limits};
use targets::PlanValues;
use targets::target::{Dumped, Process, Start, Target};
use targets::template::Setting;
use wire::headers::SECRET;

use super::{PING_TIMEOUT_MS, REPLICAS};

/// What its processes know each other by.
const TOKEN: &str = "a-token-of-a-test";

/// A bazaar in a folder: its ports stay, however often it is started.
pub(crate) struct Place {
    under_test: UnderTest,
    setting: Setting,
    ports: BTreeMap<String, u16>,
    _reservation: Reservation,
}

impl Place {
    /// In `folder`: its databases in `data`, its logs in `logs`.
    pub(crate) fn new(folder: &Path) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_double-trouble"));
        let values = PlanValues {
            ping_timeout_ms: PING_TIMEOUT_MS,
            cap: prefill::CAP,
            ..u32::from(REPLICAS).into()
        };
        let under_test = UnderTest::read(None, values).unwrap();
        let target = under_test.target();
        let (addresses, reservation) = choose_more(target.ports.len()).unwrap();
        let ports = addresses.iter().map(SocketAddr::port);
        let ports: BTreeMap<_, _> = target.ports.keys().cloned().zip(ports).collect();
        let scratch = folder.join("data");
        fs::create_dir_all(&scratch).unwrap();
        fs::write(scratch.join("stocks.txt"), prefill::stocks_file(prefill::STOCKS)).unwrap();
        let bin = program.parent().unwrap();
        let (scratch, bin) = (scratch.to_str().unwrap(), bin.to_str().unwrap());
        let setting = Setting::new(ports.clone(), scratch, &target.plan, bin, TOKEN);
        Self { under_test, setting, ports, _reservation: reservation }
    }

    /// Where the front-end listens.
    pub(crate) fn front_end(&self) -> String {
        format!("127.0.0.1:{}", self.ports["front-end"])
    }

    /// Starts it.
    pub(crate) async fn start(&self, folder: &Path) -> Result<Bazaar, StartError> {
        let target = self.under_test.target();
        let logs = folder.join("logs");
        let http = measuring_client().build().unwrap();
        let asking = Asking::new(self.setting.clone(), http, folder, &logs);
        let leaders = TargetLeaders::new(Arc::clone(target), asking).unwrap();
        let at = |name: &str| SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[name]));
        let name = |process: &Process| process.name.parse::<ProcessName>().unwrap();
        let data = |process: &Process| {
            let paths = process.data.iter().map(|path| path.render(&self.setting).unwrap());
            paths.map(|path| Path::new(&*path).to_owned()).collect()
        };
        let each = &target.processes;
        let mut programs: Vec<_> =
            each.iter().map(|process| self.program(process, target, folder)).collect();
        // As a run has them: of several that do not get ready the first is told of.
        let is_behind = |program: &Program| program.name != "front-end";
        programs.sort_by_key(is_behind);
        Bazaar::start(ServicePlan {
            processes: self.under_test.processes(),
            programs,
            logs,
            log_bytes: 1 << 30,
            guard: loadgen::program::guard_program_at(Path::new(env!(
                "CARGO_BIN_EXE_double-trouble"
            ))),
            leaders: Arc::new(leaders),
            addresses: each.iter().map(|process| (name(process), at(&process.name))).collect(),
            hosts: BTreeMap::new(),
            data: each.iter().map(|process| (name(process), data(process))).collect(),
            flood_connections: 0,
            disk_faults: DiskFaults::default(),
            own_faults: BTreeMap::new(),
            relays: None,
            host_links: HostLinks::None,
            uses_all_links: true,
            dumps: target
                .dumped()
                .into_iter()
                .map(|(name, dumped)| dump(name, dumped, at))
                .collect(),
            body_paths: BTreeMap::new(),
            cache: None,
            copies: folder.join("copies"),
        })
        .await
    }

    fn program(&self, process: &Process, target: &Target, folder: &Path) -> Program {
        let Start::Command { command, .. } = &process.start else { panic!("{process:?}") };
        let targets::target::Probe::HttpGet { url, .. } = &process.readiness.probe else {
            panic!("{process:?}")
        };
        let mut words = command.render(&self.setting).unwrap();
        let change = target.default_variant().and_then(|one| one.changes.get(&process.name));
        let args = change.into_iter().flat_map(|change| &change.args);
        words.extend(args.map(|arg| arg.render(&self.setting).unwrap().into_owned()));
        let environment = process.environment.iter().map(|(variable, value)| {
            (variable.clone(), value.render(&self.setting).unwrap().into_owned())
        });
        Program {
            name: process.name.clone(),
            role: process.role.clone(),
            command: words.into_iter().map(OsString::from).collect(),
            adopt: None,
            restart: None,
            working_dir: folder.to_owned(),
            inherit: Inherit::All,
            environment: environment.collect(),
            user: None,
            host: None,
            depends_on: BTreeMap::new(),
            probe: Some(Probe {
                kind: ProbeKind::Health(url.render(&self.setting).unwrap().into_owned()),
                period: process.readiness.period,
                timeout: process.readiness.timeout,
            }),
            shutdown: Shutdown {
                signal: supervisor::Signal::SIGTERM,
                timeout: process.shutdown.timeout,
            },
            limits: Limits::default(),
        }
    }
}

fn dump(name: &str, dumped: Dumped, at: impl Fn(&str) -> SocketAddr) -> DumpSource {
    DumpSource {
        name: name.parse().unwrap(),
        kind: match dumped {
            Dumped::Orders => DumpKind::Orders,
            Dumped::Stocks => DumpKind::Stocks,
        },
        address: at(name),
        path: "/dump".to_owned(),
        headers: vec![(SECRET.to_owned(), TOKEN.to_owned())],
    }
}
