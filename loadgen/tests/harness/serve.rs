//! `serve` and `client`: the bazaar by hand.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Running, assert_gone, ended, eventually, free_base_port, get, names, run};

/// A bazaar that is up.
struct Served {
    running: Running,
    address: String,
    pids: Vec<u32>,
    data: PathBuf,
}

fn serve(folder: &Path, options: &[&str]) -> Served {
    serve_in(folder, options, &[])
}

/// With these variables in the environment.
fn serve_in(folder: &Path, options: &[&str], environment: &[(&str, &str)]) -> Served {
    let base = free_base_port().to_string();
    let arguments: Vec<_> =
        ["serve", "--base-port", &base].into_iter().chain(options.iter().copied()).collect();
    let mut running = Running::start_in(folder, &arguments, environment);
    let lines = running.read_until("Ctrl-C stops it.");
    let pids = lines.iter().filter_map(|line| line.split("pid ").nth(1)?.trim().parse().ok());
    let data = lines.iter().find_map(|line| line.strip_prefix("Data: ")?.split(" (").next());
    Served {
        pids: pids.collect(),
        data: data.expect("serve names its data folder").into(),
        address: format!("127.0.0.1:{base}"),
        running,
    }
}

impl Served {
    fn client(&self, folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
        let options = ["client", "--address", &self.address];
        let all: Vec<_> = options.into_iter().chain(arguments.iter().copied()).collect();
        ended(&run(folder, &all))
    }

    fn stop(self) {
        self.running.signal(Signal::SIGINT);
        let (code, stdout) = self.running.wait();
        assert_eq!(code, Some(0), "{stdout}");
        assert_gone(&self.pids);
    }
}

#[test]
fn the_bazaar_is_used_by_hand_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path(), &[]);
    assert_eq!(served.pids.len(), 5);

    let (code, stdout, _) = served.client(folder.path(), &["query-stock", "Stock1"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("price 9.99, quantity 100, volume 0"), "{stdout}");
    let (code, stdout, _) = served.client(folder.path(), &["trade", "Stock1", "bUY", "3"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.starts_with("Buy 3 Stock1: order 1, "), "{stdout}");
    let (code, stdout, _) = served.client(folder.path(), &["query-order", "1", "--repeat", "3"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("order 1: Buy 3 Stock1"), "{stdout}");
    assert!(stdout.contains("3 operations: 3 ok"), "{stdout}");
    for refused in [
        &["query-order", "99"] as &[&str],
        &["query-stock", "Stock99"],
        &["trade", "Stock1", "Buy", "98"],
    ] {
        let (code, stdout, _) = served.client(folder.path(), refused);
        assert_eq!(code, Some(1), "{stdout}");
        assert!(stdout.contains("rejected: "), "{stdout}");
    }
    let (code, stdout, _) = served.client(folder.path(), &["check", "--repeat", "2"]);
    assert_eq!(code, Some(0), "{stdout}");
    let random = ["random", "--repeat", "20", "--p", "1", "--seed", "1"];
    let (code, stdout, _) = served.client(folder.path(), &random);
    assert_eq!(code, Some(0), "{stdout}");

    // A leader that somebody kills is replaced, and serve says so.
    let leader = *served.pids.last().unwrap();
    kill(Pid::from_raw(i32::try_from(leader).unwrap()), Signal::SIGKILL).unwrap();
    // Whichever is known first: who was elected may be told before the death is.
    served.running.read_until_all(&["order-3 (pid", " leads in epoch 2", "in sync: 1 2"]);
    let (code, stdout, _) = served.client(folder.path(), &["check"]);
    assert_eq!(code, Some(0), "{stdout}");

    let (address, data) = (served.address.clone(), served.data.clone());
    assert!(data.is_dir());
    served.stop();
    assert!(!data.exists());
    let (code, stdout, _) =
        ended(&run(folder.path(), &["client", "--address", &address, "query-stock", "Stock1"]));
    assert_eq!(code, Some(1), "{stdout}");
}

#[test]
fn a_named_folder_is_kept_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path(), &["--data-dir", "kept"]);
    let (code, stdout, _) = served.client(folder.path(), &["trade", "Stock2", "Buy", "5"]);
    assert_eq!(code, Some(0), "{stdout}");
    served.stop();
    // It is its owner's alone, and so is every file of it.
    let kept = folder.path().join("kept");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept), 0o700);
    let inside = fs::read_dir(&kept).unwrap().map(|found| found.unwrap().path());
    let files: Vec<_> = inside.filter(|path| path.is_file()).collect();
    assert!(files.iter().any(|file| file.ends_with("order-3.db")), "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    let served = serve(folder.path(), &["--data-dir", "kept", "--cache", "off"]);
    let (code, stdout, _) = served.client(folder.path(), &["query-order", "1"]);
    assert_eq!((code, stdout.contains("Buy 5 Stock2")), (Some(0), true), "{stdout}");
    let (_, stdout, _) = served.client(folder.path(), &["query-stock", "Stock2", "--repeat", "2"]);
    assert!(stdout.contains("quantity 95, volume 5") && !stdout.contains("hit"), "{stdout}");
    served.stop();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // One of five in a row of which nobody has another: a single line is said.
    let port = free_base_port();
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let port = port.to_string();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["serve", "--base-port", &port]));
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(&port), "{stderr}");
}

#[test]
fn a_database_that_is_none_is_refused_and_not_overwritten() {
    let garbage = b"this is no database, whatever it is called ".repeat(200);
    for database in ["catalog.db", "front-end.db", "order-2.db"] {
        // A folder for each: the write-ahead log that a killed process left behind would make a
        // database of the garbage.
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join(database), &garbage).unwrap();
        let base = free_base_port().to_string();
        let arguments = ["serve", "--base-port", &base, "--data-dir", "data"];
        let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert_eq!(fs::read(data.join(database)).unwrap(), garbage);
    }
}

#[test]
fn what_other_programs_are_told_in_the_environment_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stocks = folder.path().join("stocks.txt");
    fs::write(&stocks, "Other 1.00 0 5\n").unwrap();
    let served = serve_in(
        folder.path(),
        &[],
        &[
            ("BAZAAR_CACHE", "off"),
            ("BAZAAR_DATA_DIR", "/nowhere"),
            ("BAZAAR_REPLICAS", "1=127.0.0.1:1"),
            ("BAZAAR_FRONT_END", "127.0.0.1:1"),
            ("BAZAAR_LOG_FORMAT", "json"),
            ("BAZAAR_ALLOWED_HOSTS", "evil.example"),
            ("CATALOG_STOCKS", stocks.to_str().unwrap()),
            ("CATALOG_CAP", "7"),
            ("ORDER_ID", "9"),
            ("ORDER_LISTEN", "127.0.0.1:1"),
            ("FRONT_END_LISTEN", "127.0.0.1:1"),
            ("PORT", "1"),
            ("HOST", "evil.example"),
            ("DATA_DIR", "/nowhere"),
            ("HTTP_PROXY", "http://127.0.0.1:1"),
            ("http_proxy", "http://127.0.0.1:1"),
            ("DOUBLE_TROUBLE_SECRET", "known-to-others"),
        ],
    );
    let (code, stdout, _) =
        served.client(folder.path(), &["query-stock", "Stock1", "--repeat", "2"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("quantity 100, volume 0") && stdout.contains("hit"), "{stdout}");
    assert!(get(&served.address, "/history", Some("known-to-others")).starts_with("HTTP/1.1 403"));
    served.stop();
}

#[test]
fn a_token_is_drawn_for_each_bazaar_and_lies_beside_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let served = serve(folder.path(), &["--data-dir", "kept"]);
        let token = fs::read_to_string(served.data.join("token")).unwrap();
        assert!(get(&served.address, "/history", None).starts_with("HTTP/1.1 403"));
        assert!(get(&served.address, "/history", Some(&token)).starts_with("HTTP/1.1 200"));
        assert!(get(&served.address, "/healthz", None).starts_with("HTTP/1.1 200"));
        tokens.push(token);
        served.stop();
    }
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn a_second_ctrl_c_leaves_no_process_and_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path(), &[]);
    for signal in [Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM] {
        served.running.signal(signal);
    }
    let data = served.data.clone();
    let (code, stdout) = served.running.wait();
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("The bazaar is down."), "{stdout}");
    assert_gone(&served.pids);
    assert!(!data.exists());
}

/// Nobody has been introduced yet: who was started is seen from outside.
#[test]
fn a_second_ctrl_c_during_the_start_leaves_no_process_and_no_folder() {
    for started in 0..=5 {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().join("temporary");
        fs::create_dir(&temporary).unwrap();
        let base = free_base_port().to_string();
        let environment = [("TMPDIR", temporary.to_str().unwrap())];
        let arguments = ["serve", "--base-port", &base];
        let running = Running::start_in(folder.path(), &arguments, &environment);
        let services = eventually("the start", || {
            let services = running.services();
            (services.len() >= started && !names(&temporary).is_empty()).then_some(services)
        });
        for signal in [Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM] {
            running.signal(signal);
        }
        let (code, stdout) = running.wait();
        assert_eq!(code, Some(0), "{started}: {stdout}");
        assert_gone(&services);
        assert_eq!(names(&temporary), [] as [PathBuf; 0], "{started}");
        assert!(TcpListener::bind(format!("127.0.0.1:{base}")).is_ok(), "{started}");
    }
}

/// The start never ends by itself, and who was started cares for no signal that it can ignore.
#[test]
fn a_second_ctrl_c_while_somebody_does_not_become_ready_leaves_no_process_and_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (temporary, programs) = (folder.path().join("temporary"), folder.path().join("programs"));
    fs::create_dir(&temporary).unwrap();
    fs::create_dir(&programs).unwrap();
    for service in ["front-end", "catalog", "order"] {
        let program = programs.join(service);
        fs::write(&program, "#!/bin/sh\ntrap '' TERM INT HUP\nexec sleep 600\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let base = free_base_port().to_string();
    let environment = [("TMPDIR", temporary.to_str().unwrap())];
    let arguments = ["serve", "--base-port", &base, "--bin-dir", programs.to_str().unwrap()];
    let running = Running::start_in(folder.path(), &arguments, &environment);
    let services = eventually("five services", || {
        let services = running.services();
        (services.len() == 5).then_some(services)
    });
    for signal in [Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM] {
        running.signal(signal);
    }
    let (code, stdout) = running.wait();
    assert_eq!(code, Some(0), "{stdout}");
    assert_gone(&services);
    assert_eq!(names(&temporary), [] as [PathBuf; 0]);
}
