//! The console: a local page beside `serve` on which a class can watch a failover happen, of the bazaar or of any target.
//!
//! It shows who leads, who is in sync, what clients see, and the last minute of it; and it has
//! buttons that break the bazaar and steer the load. Nothing of it is kept: anybody who wants figures
//! that can be published runs a plan.
//!
//! Anybody who can post to the console can kill processes, so it listens on 127.0.0.1 only, and `guard`
//! refuses whatever a page of another origin might make a browser send.
//!
//! * `settings`: the load, as the page sets it. `load`: clients that follow it.
//! * `window`: what the clients saw in the last minute. `dashboard`: everything the page shows. `system_words`: what the page calls
//!   the system, and what clients do to it.
//! * `leadership`, `lasting`: who leads, and what is broken.
//! * `acts`: what the buttons do. `files`: a press that has files lost or old. `guard`, `server`: HTTP.

mod actions;
mod dashboard;
mod files;
mod guard;
mod lasting;
mod leadership;
mod load;
mod server;
mod settings;
mod system_words;
mod window;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use faults::bazaar::Bazaar;
use faults::events::EventSink;
use results::records::Event;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use self::actions::Acts;
use self::dashboard::Dashboard;
use self::server::ConsoleService;
pub use self::settings::MAX_CLIENTS;
use self::system_words::SystemWords;
use driver::service::Service;
use driver::stop::Stop;

/// The console's port if nobody names one: just below the front-end's.
pub const DEFAULT_PORT: u16 = 30_000;

/// A console that is bound and shows nothing yet.
#[derive(Debug)]
pub struct Console {
    listener: TcpListener,
    address: SocketAddr,
}

/// What the console is beside, apart from its processes.
#[derive(Debug)]
pub struct Beside {
    /// What it is called.
    pub name: String,
    /// What it is, in a line; may be empty.
    pub description: String,
    /// How clients reach it.
    pub service: Service,
    /// The stocks that they ask for.
    pub stocks: Vec<String>,
    /// Whether queries are answered from a cache, where that can be switched.
    pub cache: Option<bool>,
    /// What can be broken besides processes.
    pub offers: Offers,
}

/// What can be broken of a system besides its processes. The rest is not shown; whoever posts it is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Offers {
    /// Disks and their power.
    pub disks: bool,
    /// Files that are lost or old.
    pub files: bool,
    /// Floods of connections.
    pub floods: bool,
    /// Links between processes.
    pub links: bool,
}

/// A console beside a bazaar.
#[derive(Debug)]
pub struct Running {
    service: Service,
    stocks: Vec<String>,
    dashboard: Arc<Dashboard>,
    shown: Arc<ConsoleService>,
    listener: TcpListener,
    settings: watch::Receiver<settings::Load>,
}

impl Console {
    /// Takes the port, before anything else is started. 0 takes a free one.
    ///
    /// # Errors
    /// Somebody else has it.
    pub async fn bind(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
            format!("--console-port {port}: it cannot be had; name another, or 0 for a free one")
        })?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts it beside a system. What its buttons do is told to `events`, which is to come back through [`Running::hear`].
    pub fn beside(self, bazaar: &Arc<Bazaar>, beside: Beside, events: EventSink) -> Running {
        let Beside { name, description, service, stocks, cache, offers } = beside;
        let words = SystemWords::new(name, description, &service);
        let dashboard = Dashboard::new(Arc::clone(bazaar), events.origin(), cache, offers, words);
        let dashboard = Arc::new(dashboard);
        let (set, settings) = watch::channel(settings::Load::default());
        let acts = Acts::new(Arc::clone(bazaar), Arc::clone(&dashboard), set, events);
        let shown =
            Arc::new(ConsoleService::new(acts, Arc::clone(&dashboard), self.address.port()));
        Running { service, stocks, dashboard, shown, listener: self.listener, settings }
    }
}

impl Running {
    /// Tells the console of something that happened.
    pub fn hear(&self, event: &Event) {
        self.dashboard.hear(event);
    }

    /// Serves and loads until it is told to stop; then no client is left.
    pub async fn run(&self, stop: &Stop) -> anyhow::Result<()> {
        let load = load::run(self, self.settings.clone(), stop);
        let serve = server::serve(&self.listener, &self.shown, stop);
        let tick = tick(&self.dashboard, stop);
        let (loaded, (), ()) = tokio::join!(load, serve, tick);
        loaded
    }
}

/// Closes the window's buckets when their time is over.
async fn tick(dashboard: &Dashboard, stop: &Stop) {
    let mut ticks = interval(Duration::from_millis(window::BUCKET_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !stop.is_requested() {
        tokio::select! {
            _ = ticks.tick() => dashboard.tick(),
            () = stop.requested() => {}
        }
    }
}
