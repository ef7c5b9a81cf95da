//! A client whose change callback is written down and checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use swain_client::{ChangeSet, Client, ClientConfig, Key, Origin, Row, RowKey, Shape, Transport};
use swain_core::Pos;
use swain_testkit::{PATIENCE, soon};
use tokio::sync::watch;

pub(crate) struct Witness {
    pub(crate) client: Client,
    told: Arc<watch::Sender<Vec<ChangeSet>>>,
    mirror: Mirror,
}

/// What an application knows that only has the callback.
#[derive(Default)]
struct Mirror {
    rows: BTreeMap<RowKey, Arc<Row>>,
    pos: Pos,
}

impl Witness {
    /// Over one transport, plain.
    pub(crate) async fn open(address: std::net::SocketAddr, shapes: Vec<Shape>) -> Self {
        Self::open_over(address, shapes, &[Transport::WebSocket], false).await
    }

    pub(crate) async fn open_over(
        address: std::net::SocketAddr,
        shapes: Vec<Shape>,
        transports: &[Transport],
        compression: bool,
    ) -> Self {
        let told = Arc::new(watch::Sender::new(Vec::new()));
        let sink = Arc::clone(&told);
        let config = ClientConfig::new(format!("http://{address}"), shapes)
            .with_first_delay(Duration::from_millis(1))
            .with_transports(transports)
            .with_compression(compression)
            .on_change(move |changes| sink.send_modify(|told| told.push(changes.clone())));
        let client = Client::connect(config).await.unwrap();
        Self { client, told, mirror: Mirror::default() }
    }

    /// Waits until the callback was called for so many positions; gives all calls since the last time, checked.
    pub(crate) async fn hear(&mut self, positions: usize) -> Vec<ChangeSet> {
        let mut heard = self.told.subscribe();
        let enough = heard.wait_for(|told| from_server(told).count() >= positions);
        let enough = tokio::time::timeout(PATIENCE, enough).await.map(drop);
        let told = self.told.send_replace(Vec::new());
        assert!(enough.is_ok(), "{positions} positions expected, heard {told:?}; {:?}", self.client.status());
        told.iter().for_each(|changes| self.mirror.apply(changes));
        told
    }

    /// Waits until a load has ended and the position is reached.
    pub(crate) async fn hear_until(&mut self, head: Pos) -> Vec<ChangeSet> {
        let mut heard = self.told.subscribe();
        let there = heard.wait_for(|told| from_server(told).last().is_some_and(|last| last.pos >= head));
        soon("the head", there).await.unwrap();
        self.hear(1).await
    }

    /// The rows of a table as the callback told them, which are those that the client shows.
    pub(crate) fn rows(&self, table: &str) -> Vec<Row> {
        let told: Vec<(Key, Arc<Row>)> = self.mirror.rows_of(table);
        assert!(self.client.rows(table) == told, "the callback told other rows than the client shows in {table}");
        told.into_iter().map(|(_, row)| Row::clone(&row)).collect()
    }
}

impl Mirror {
    fn apply(&mut self, changes: &ChangeSet) {
        match changes.origin {
            Origin::Server => assert!(changes.pos > self.pos, "after {:?} came {changes:?}", self.pos),
            Origin::Local(_) => assert!(changes.pos >= self.pos, "after {:?} came {changes:?}", self.pos),
        }
        self.pos = changes.pos;
        for change in &changes.rows {
            assert_eq!(self.rows.get(&change.row), change.before.as_ref(), "what was told before this: {change:?}");
            assert_ne!(change.before, change.after, "nothing changed in {:?}", change.row);
            match &change.after {
                Some(row) => drop(self.rows.insert(change.row.clone(), Arc::clone(row))),
                None => drop(self.rows.remove(&change.row)),
            }
        }
    }

    fn rows_of(&self, table: &str) -> Vec<(Key, Arc<Row>)> {
        let rows = self.rows.iter().filter(|(place, _)| place.table.as_str() == table);
        rows.map(|(place, row)| (place.key.clone(), Arc::clone(row))).collect()
    }
}

/// The calls that are positions.
pub(crate) fn from_server(told: &[ChangeSet]) -> impl DoubleEndedIterator<Item = &ChangeSet> {
    told.iter().filter(|changes| changes.origin == Origin::Server)
}
