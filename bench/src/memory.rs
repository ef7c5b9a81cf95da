//! What an idle connection costs the server in memory, beside a bare WebSocket server.

use swain_bench::figure::Figures;
use swain_bench::floors::IDLE_1000;
use swain_core::shape::Shape;

use crate::ROUNDS;
use crate::device::{Device, Socket, open};
use crate::events::Events;
use crate::load::TABLE;
use crate::peer::Peer;
use crate::serve::{SWAIN, WEBSOCKET};

const IDLE_500: &str = "memory of an idle connection, of 500";
const IDLE_EVENTS_1000: &str = "memory of an idle stream of events, of 1000";

/// Connections that come first, so that what the first ones need for all is not counted.
const WARM_UP: usize = 20;
const FEWER: usize = 500;
const MORE: usize = 1000;

/// KiB a connection, round by round.
#[derive(Default)]
struct Rounds {
    fewer: Vec<f64>,
    more: Vec<f64>,
}

pub(crate) async fn measure(figures: &mut Figures) -> anyhow::Result<()> {
    let (mut ours, mut events, mut bare) = (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        bare.add(&Peer::start(WEBSOCKET)?, connect_bare).await?;
        ours.add(&Peer::start(SWAIN)?, connect).await?;
        events.add(&Peer::start(SWAIN)?, connect_events).await?;
    }
    let beside = "bare WebSocket server";
    figures.add((IDLE_500, "KiB"), &ours.fewer, (beside, &bare.fewer));
    figures.add((IDLE_1000, "KiB"), &ours.more, (beside, &bare.more));
    figures.add((IDLE_EVENTS_1000, "KiB"), &events.more, (beside, &bare.more));
    Ok(())
}

impl Rounds {
    async fn add<T>(&mut self, server: &Peer, connect: impl AsyncFn(&Peer) -> anyhow::Result<T>) -> anyhow::Result<()> {
        let mut held = Vec::with_capacity(WARM_UP + MORE);
        let mut resident = Vec::new();
        for count in [WARM_UP, FEWER, MORE - FEWER] {
            for _ in 0..count {
                held.push(connect(server).await?);
            }
            resident.push(server.resident_kib()?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a measure")]
        let (fewer, more) = (FEWER as f64, MORE as f64);
        self.fewer.push((resident[1] - resident[0]) / fewer);
        self.more.push((resident[2] - resident[0]) / more);
        Ok(())
    }
}

/// A device that holds a table and has caught up.
async fn connect(server: &Peer) -> anyhow::Result<Device> {
    Device::connect(server.address, vec![Shape::table(TABLE)]).await
}

async fn connect_events(server: &Peer) -> anyhow::Result<Events> {
    Events::connect(server.address, TABLE).await
}

async fn connect_bare(server: &Peer) -> anyhow::Result<Socket> {
    open(&format!("ws://{}/", server.address)).await
}
