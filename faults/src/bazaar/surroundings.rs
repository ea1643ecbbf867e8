//! What stands around each process of a bazaar, and must be there before it starts: relays that listen for it, and the library
//! that breaks its disk.

use std::error::Error;
use std::io;
use std::sync::Arc;

use supervisor::system::{Companion, Prepared, Preparing};
use supervisor::tree::Tree;

use super::StartError;
use crate::disk::Disks;
use crate::process::ProcessName;
use crate::relay::Network;

#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) network: Option<Arc<Network>>,
    pub(super) disks: Arc<Disks>,
}

impl Companion for Surroundings {
    fn prepare<'a>(&'a self, name: &'a str) -> Preparing<'a> {
        Box::pin(async move {
            let name: ProcessName = name.parse()?;
            let prepared = self.prepare_for(name).await;
            prepared.map_err(Box::<dyn Error + Send + Sync>::from)
        })
    }
}

impl Surroundings {
    async fn prepare_for(&self, name: ProcessName) -> Result<Prepared, StartError> {
        let failed = |source| StartError::Spawn { name, source };
        let text = |(variable, value): (&str, std::ffi::OsString)| {
            let value = value.into_string().map_err(|_| {
                failed(io::Error::other(format!(
                    "{variable} would not be UTF-8, for its path is not"
                )))
            })?;
            Ok((variable.to_owned(), value))
        };
        let environment = self.disks.begin_incarnation(name).map_err(failed)?;
        let environment = environment.into_iter().map(text).collect::<Result<_, StartError>>()?;
        let Some(network) = self.network.clone() else {
            return Ok(Prepared { environment, ..Prepared::default() });
        };
        // Before the process can do anything: a relay refuses nobody while it lives.
        let listening = network.listen(name).await;
        let listening = listening.map_err(|source| StartError::Relay { name, source })?;
        let started = Box::new(move |tree: &Tree| network.serve(listening, || tree.death()));
        Ok(Prepared { environment, started })
    }
}
