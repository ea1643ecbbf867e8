//! Something that listens and can be killed: a service on a runtime of its own, whose end closes
//! every connection and the listener, as the kernel does for a process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use services::http::{HttpConfig, ServerConfig, Service, serve};
use services::metrics::Metrics;
use services::planted::Bugs;
use tokio::runtime::{Builder, Runtime};

use crate::ports;
use crate::running::PATIENCE;

/// A running fake; ends when it is dropped.
pub(crate) struct Process {
    runtime: Option<Runtime>,
}

impl Process {
    /// Serves on `address`, which may have been another process's until a moment ago.
    pub(crate) fn start<S: Service>(
        address: SocketAddr,
        service: Arc<S>,
        secret: Option<Arc<str>>,
    ) -> Self {
        let listener = bind(address);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let config = ServerConfig {
                secret,
                http: HttpConfig::default(),
                metrics: Metrics::new().http,
                bugs: Bugs::default(),
            };
            serve(listener, service, config, std::future::pending()).await;
        });
        Self { runtime: Some(runtime) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// An address that nobody else takes, however often its process is killed.
pub(crate) fn free_address() -> SocketAddr {
    let [address] = ports::reserved(Ipv4Addr::LOCALHOST);
    address
}

fn bind(address: SocketAddr) -> TcpListener {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true).unwrap();
                return listener;
            }
            Err(error) if begun.elapsed() > PATIENCE => panic!("{address}: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
