//! A cached query, beside servers that only answer: bare hyper, and nginx where it is there. All give the same answer.

use super::{Stage, turns};
use crate::generator::Generator;
use crate::goals;
use crate::sample::Side;
use crate::system::bare::{Bare, Said};
use crate::system::bazaar::{Bazaar, QUERY};
use crate::system::{guard, nginx::Nginx};
use crate::tools::Tool;

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let bazaar = Bazaar::start(&stage.config.bin_dir, &stage.folder("query-bazaar")).await?;
    let said = Said::like(&bazaar.cached().await?)?;
    let bare = Bare::start(&stage.folder("query-hyper"), &said).await?;
    let nginx = match stage.tools.path(Tool::Nginx) {
        Some(program) => Some(Nginx::start(program, &stage.folder("query-nginx"), &said).await?),
        None => None,
    };
    let mut sides = vec![
        (Side::Bazaar, bazaar.front_end, &bazaar.fleet),
        (Side::Hyper, bare.address, &bare.fleet),
    ];
    sides.extend(nginx.as_ref().map(|nginx| (Side::Nginx, nginx.address, &nginx.fleet)));
    let generator = Generator::choose(stage.tools);
    for round in 1..=stage.config.rounds {
        for connections in stage.config.connections.clone() {
            let case = goals::query(connections);
            for &(side, address, fleet) in turns(&sides, round) {
                let (target, span, pids) = ((address, QUERY), stage.span(), fleet.all());
                let driven = generator
                    .drive(&guard(), &stage.scratch, target, connections, span, &pids)
                    .await?;
                stage.add_load(round, &case, side, &driven)?;
            }
        }
    }
    let fleets = [Some(bazaar.fleet), Some(bare.fleet), nginx.map(|nginx| nginx.fleet)];
    for fleet in fleets.into_iter().flatten() {
        fleet.stop().await;
    }
    Ok(())
}
