//! The client program against the engines themselves, spoken to as the harness does. An engine that is not installed is
//! skipped, and that is said.

mod client;
mod contract;
mod galera;
mod postgres;
mod process;

use client::Client;
use galera::Galera;
use process::{Process, Programs, free_ports};
use serde_json::{Value as Json, json};

fn hello(ports: &Json, variant: Option<&str>) -> Json {
    json!({"op": "hello", "version": 1, "ports": ports, "hosts": {}, "variant": variant, "clients": 5, "deadline_ms": 6000,
        "seed": 7, "stocks": {"Tux": 100, "Fox": 100}, "cap": 120})
}

#[test]
fn etcd_trades_once_per_key_and_goes_on_without_its_first_member() {
    let Some(programs) = Programs::find("etcd-server", &["etcd"]) else { return };
    let folder = programs.folder();
    let ports = free_ports(["etcd-1", "etcd-2", "etcd-3", "peer-1", "peer-2", "peer-3"]);
    let url = |name: String| format!("http://127.0.0.1:{}", ports[name]);
    let cluster: Vec<String> =
        (1..=3).map(|n| format!("etcd-{n}={}", url(format!("peer-{n}")))).collect();
    let mut members: Vec<Process> = (1..=3)
        .map(|n| {
            let (client, peer) = (url(format!("etcd-{n}")), url(format!("peer-{n}")));
            let data = folder.join(format!("etcd-{n}"));
            Process::start(
                "etcd",
                &[
                    "--name",
                    &format!("etcd-{n}"),
                    "--data-dir",
                    &data.to_string_lossy(),
                    "--listen-client-urls",
                    &client,
                    "--advertise-client-urls",
                    &client,
                    "--listen-peer-urls",
                    &peer,
                    "--initial-advertise-peer-urls",
                    &peer,
                    "--initial-cluster",
                    &cluster.join(","),
                ],
            )
        })
        .collect();
    let mut client = Client::start("etcd", &hello(&ports, None));
    let last = contract::trades_once_per_key(&mut client, &["etcd-1", "etcd-2", "etcd-3"]);
    // A revision that is no order's, and one that is none yet.
    for order_no in [1, last + 1000] {
        let answer = client.ask(json!({"op": "lookup", "client": 1, "order_no": order_no}));
        assert_eq!(answer["outcome"], "rejected", "{answer}");
    }
    members.remove(0).kill();
    contract::goes_on(&mut client, last, &["etcd-2", "etcd-3"], "etcd-1");
    // Without a majority nothing is applied, and nothing is claimed to have failed that may have been.
    members.remove(0).kill();
    let outcome = contract::buy(&mut client, "nobody", 1)["outcome"].clone();
    assert!(outcome == "unknown" || outcome == "failed", "{outcome}");
}

#[test]
fn redis_trades_once_per_key_and_goes_on_with_the_replica_that_sentinel_promotes() {
    redis(None);
}

#[test]
fn redis_that_waits_for_a_replica_acknowledges_nothing_without_one() {
    let Some(mut redis) = redis(Some("wait")) else { return };
    redis.servers.retain(|(name, _)| *name == redis.master);
    let answer = contract::buy(&mut redis.client, "alone", 1);
    assert_ne!(answer["outcome"], "ok", "{answer}");
}

#[test]
fn postgres_trades_once_per_key_and_goes_on_at_whoever_can_be_written_to() {
    let Some(programs) = Programs::find("util-linux", &[]) else { return };
    let Some(postgres) = postgres::Postgres::find(programs.folder()) else { return };
    let ports = free_ports(["postgres-1", "postgres-2"]);
    let primary = postgres.primary(&ports["postgres-1"]);
    let _standby = postgres.standby(&ports["postgres-1"], &ports["postgres-2"]);
    let mut client = Client::start("postgres", &hello(&ports, None));
    let last = contract::trades_once_per_key(&mut client, &["postgres-1", "postgres-2"]);
    primary.kill();
    postgres.promote();
    contract::goes_on(&mut client, last, &["postgres-2"], "postgres-1");
}

#[test]
fn nats_trades_once_per_key_and_goes_on_without_its_first_server() {
    nats(None);
}

#[test]
fn nats_that_is_read_from_any_copy_does_the_same() {
    nats(Some("direct"));
}

fn nats(variant: Option<&str>) {
    let Some(programs) = Programs::find("nats-server", &["nats-server"]) else { return };
    let folder = programs.folder();
    let ports = free_ports(["nats-1", "nats-2", "nats-3", "route-1", "route-2", "route-3"]);
    let routes: Vec<String> =
        (1..=3).map(|n| format!("nats://127.0.0.1:{}", ports[format!("route-{n}")])).collect();
    let mut servers: Vec<Process> = (1..=3)
        .map(|n| {
            let name = format!("nats-{n}");
            let data = folder.join(&name);
            Process::start(
                "nats-server",
                &[
                    "--name",
                    &name,
                    "--addr",
                    "127.0.0.1",
                    "--port",
                    &ports[&name].to_string(),
                    "--jetstream",
                    "--store_dir",
                    &data.to_string_lossy(),
                    "--cluster_name",
                    "bazaar",
                    "--cluster",
                    &routes[n - 1],
                    "--routes",
                    &routes.join(","),
                ],
            )
        })
        .collect();
    let mut client = Client::start("nats", &hello(&ports, variant));
    let last = contract::trades_once_per_key(&mut client, &["nats-1", "nats-2", "nats-3"]);
    // The sequence of a message that makes a stock, and one that is none yet.
    for order_no in [1, last + 1000] {
        let answer = client.ask(json!({"op": "lookup", "client": 1, "order_no": order_no}));
        assert_eq!(answer["outcome"], "rejected", "{answer}");
    }
    servers.remove(0).kill();
    contract::goes_on(&mut client, last, &["nats-2", "nats-3"], "nats-1");
    // Without a majority nothing is acknowledged.
    servers.remove(0).kill();
    let answer = contract::buy(&mut client, "nobody", 1);
    assert_ne!(answer["outcome"], "ok", "{answer}");
}

#[test]
fn galera_trades_once_per_key_and_goes_on_at_another_node() {
    galera(None);
}

#[test]
fn galera_that_waits_before_it_reads_does_the_same() {
    galera(Some("sync"));
}

fn galera(variant: Option<&str>) {
    let Some(programs) = Galera::find() else { return };
    let ports = free_ports(galera::PORTS);
    let cluster = Galera::new(programs.folder(), &ports);
    let mut nodes: Vec<Process> = (1..=3).map(|n| cluster.start(n, n == 1)).collect();
    let mut client = Client::start("galera", &hello(&ports, variant));
    let last = contract::trades_once_per_key(&mut client, &["galera-1", "galera-2", "galera-3"]);
    nodes.remove(0).kill();
    contract::goes_on(&mut client, last, &["galera-2", "galera-3"], "galera-1");
    // Whoever comes back gets what was traded without him.
    let orders = client.dump("galera-2", "orders").expect("its orders");
    nodes.push(cluster.start(1, false));
    client::until(|| client.dump("galera-1", "orders").is_ok_and(|copy| copy == orders));
    // Without a majority nothing is acknowledged.
    nodes.drain(..2).for_each(Process::kill);
    let answer = contract::buy(&mut client, "nobody", 1);
    assert_ne!(answer["outcome"], "ok", "{answer}");
}

struct Redis {
    client: Client,
    servers: Vec<(String, Process)>,
    master: String,
    _sentinels: Vec<Process>,
    _programs: Programs,
}

fn redis(variant: Option<&str>) -> Option<Redis> {
    let programs =
        Programs::find("redis-server redis-sentinel", &["redis-server", "redis-sentinel"])?;
    let folder = programs.folder();
    let names = ["redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3"];
    let ports = free_ports(names);
    let start = |name: &str, program: &str, settings: String| {
        let data = folder.join(name);
        std::fs::create_dir(&data).expect("a folder");
        let text =
            format!("bind 127.0.0.1\nport {}\ndir {}\n{settings}\n", ports[name], data.display());
        let file = data.join("server.conf");
        std::fs::write(&file, text).expect("a file");
        Process::start(program, &[&*file.to_string_lossy()])
    };
    let master = &ports["redis-1"];
    let servers = names[..3].iter().map(|name| {
        let follows = if *name == "redis-1" {
            String::new()
        } else {
            format!("replicaof 127.0.0.1 {master}\n")
        };
        let settings = format!("{follows}save \"\"\nappendonly yes\nrepl-diskless-sync-delay 0");
        ((*name).to_owned(), start(name, "redis-server", settings))
    });
    let mut servers: Vec<(String, Process)> = servers.collect();
    for (name, _) in &servers {
        client::until(|| {
            client::redis_role(&ports[name.as_str()])
                .is_some_and(|role| role.contains("master") || role.contains("connected"))
        });
    }
    let sentinels = names[3..].iter().map(|name| {
        let settings = format!(
            "sentinel monitor bazaar 127.0.0.1 {master} 2\nsentinel down-after-milliseconds bazaar 500\n\
             sentinel failover-timeout bazaar 3000"
        );
        start(name, "redis-sentinel", settings)
    });
    let sentinels = sentinels.collect();
    let mut client = Client::start("redis", &hello(&ports, variant));
    let last = contract::trades_once_per_key(&mut client, &names[..3]);
    servers.remove(0).1.kill();
    contract::goes_on(&mut client, last, &names[1..3], "redis-1");
    let is_master = |name: &&&str| {
        client::redis_role(&ports[**name]).is_some_and(|role| role.contains("master"))
    };
    let master = names[1..3].iter().find(is_master).expect("one is master");
    Some(Redis {
        client,
        servers,
        master: (*master).to_string(),
        _sentinels: sentinels,
        _programs: programs,
    })
}
