//! A server for one device, small enough to be believed: rows, a log, a ledger. It speaks through the rig's wire.

use std::collections::BTreeMap;

use swain_core::merge::apply;
use swain_core::protocol::{
    Checkpoint, Hello, LoadEnd, MutationResult, Outcome, Results, ShapeState, Up, Welcome, place_fragment,
    write_changes, write_load, write_put, write_remove,
};
use swain_core::{
    Code, Column, ColumnType, DeviceId, Epoch, Millis, Mutation, MutationNumber, Pos, Problem, Row, RowKey, Schema,
    Table, Tag,
};

use super::rig::{Rig, place};

pub(crate) struct FakeServer {
    pub(crate) epoch: &'static str,
    pub(crate) rows: BTreeMap<RowKey, Row>,
    /// One list of changed rows a position.
    pub(crate) log: Vec<Vec<RowKey>>,
    pub(crate) ledgers: BTreeMap<DeviceId, Vec<Outcome>>,
    /// Refuses mutations with an insert of this key.
    pub(crate) refuses: Option<&'static str>,
    pub(crate) applied: usize,
    device: DeviceId,
}

impl FakeServer {
    pub(crate) fn new() -> Self {
        Self {
            epoch: "e1",
            rows: BTreeMap::new(),
            log: Vec::new(),
            ledgers: BTreeMap::new(),
            refuses: None,
            applied: 0,
            device: DeviceId::from("d1"),
        }
    }

    /// Somebody else writes a row.
    pub(crate) fn write(&mut self, key: &str, a: i64) {
        self.rows.insert(place(key), super::rig::row(key, a));
        self.log.push(vec![place(key)]);
    }

    /// Answers everything that the device has sent until both are quiet.
    pub(crate) fn serve(&mut self, rig: &mut Rig) {
        while !rig.sent.is_empty() {
            for up in std::mem::take(&mut rig.sent) {
                let frames = self.answer(up);
                frames.iter().for_each(|frame| rig.frame(frame));
            }
        }
    }

    pub(crate) fn answer(&mut self, up: Up) -> Vec<String> {
        match up {
            Up::Hello(hello) => self.greet(&hello),
            Up::Push(mutations) => self.decide(mutations.into_iter().map(Result::unwrap).collect()),
            Up::Auth(_) | Up::Presence(_) => Vec::new(),
        }
    }

    fn greet(&mut self, hello: &Hello) -> Vec<String> {
        self.device = hello.device.clone();
        let from = hello.cursor.as_ref().and_then(|cursor| self.position(cursor));
        let state = if from.is_some() { ShapeState::Live } else { ShapeState::Load };
        let mut welcome = welcome(hello.shapes.len(), state, self.last());
        welcome.epoch = Epoch::from(self.epoch);
        welcome.results = self.results_above(hello.acked);
        let mut frames = vec![welcome.to_text()];
        match from {
            Some(from) => frames.extend(self.changes_from(from)),
            None => frames.extend(self.load(hello.shapes.len())),
        }
        frames.push(self.checkpoint().caught_up());
        frames
    }

    fn decide(&mut self, mutations: Vec<Mutation>) -> Vec<String> {
        let from = self.log.len();
        let results = mutations.iter().map(|mutation| self.decide_one(mutation)).collect();
        let mut frames = vec![Results { results, problem: None }.to_text()];
        frames.extend(self.changes_from(from));
        frames
    }

    fn decide_one(&mut self, mutation: &Mutation) -> MutationResult {
        let ledger = self.ledgers.entry(self.device.clone()).or_default();
        if let Some(known) = usize::try_from(mutation.n.0 - 1).ok().and_then(|index| ledger.get(index)) {
            return result(mutation.n.0, *known);
        }
        assert_eq!(mutation.n.0, ledger.len() as u64 + 1, "no gap");
        let refused = |key| mutation.operations.iter().any(|operation| *operation.row() == place(key));
        let outcome = match self.refuses.is_some_and(refused) {
            true => Outcome::Refused,
            false => Outcome::Applied,
        };
        ledger.push(outcome);
        let mut changed = Vec::new();
        if outcome == Outcome::Applied {
            self.applied += 1;
            for operation in &mutation.operations {
                let table = &schema().tables[&operation.row().table];
                let after = apply(table, self.rows.get(operation.row()), operation);
                match after {
                    Some(row) => drop(self.rows.insert(operation.row().clone(), row)),
                    None => drop(self.rows.remove(operation.row())),
                }
                changed.push(operation.row().clone());
            }
        }
        self.log.push(changed);
        result(mutation.n.0, outcome)
    }

    fn changes_from(&self, from: usize) -> Vec<String> {
        let positions = self.log.iter().enumerate().skip(from);
        positions
            .map(|(index, rows)| {
                let mut checkpoint = checkpoint(self.epoch, index as u64 + 1, self.last().0);
                // Only the newest position is known to contain everything of the device.
                if index + 1 < self.log.len() {
                    checkpoint.acked = MutationNumber(0);
                }
                let operations = rows.iter().map(|row| self.operation(row)).collect::<Vec<_>>();
                write_changes(&checkpoint, &operations.join(","))
            })
            .collect()
    }

    fn operation(&self, row: &RowKey) -> String {
        let mut out = String::new();
        match self.rows.get(row) {
            Some(values) => write_put(&mut out, &place_fragment(row), &[0], &values.canonical()),
            None => write_remove(&mut out, &place_fragment(row)),
        }
        out
    }

    fn load(&self, shapes: usize) -> Vec<String> {
        let rows: Vec<String> = self.rows.values().map(Row::canonical).collect();
        let end = LoadEnd { checkpoint: self.checkpoint(), shapes: (0..shapes).collect() };
        vec![write_load(0, &rows.join(","), rows.len() as u64, "l1"), end.to_text()]
    }

    fn checkpoint(&self) -> Checkpoint {
        checkpoint(self.epoch, self.log.len() as u64, self.last().0)
    }

    fn position(&self, cursor: &str) -> Option<usize> {
        let pos = cursor.strip_prefix(self.epoch)?.strip_prefix('-')?.parse().ok()?;
        (pos <= self.log.len()).then_some(pos)
    }

    fn last(&self) -> MutationNumber {
        MutationNumber(self.ledgers.get(&self.device).map_or(0, Vec::len) as u64)
    }

    fn results_above(&self, acked: MutationNumber) -> Vec<MutationResult> {
        let ledger = self.ledgers.get(&self.device).into_iter().flatten();
        let numbered = (1..).zip(ledger).filter(|(n, _)| *n > acked.0);
        numbered.map(|(n, outcome)| result(n, *outcome)).collect()
    }
}

pub(crate) fn schema() -> Schema {
    let column = |kind, nullable| Column { kind, nullable, has_default: nullable, generated: false };
    let table = |name: &str| {
        Table::new(
            name.into(),
            BTreeMap::from([
                ("id".into(), column(ColumnType::Text, false)),
                ("a".into(), column(ColumnType::Int64, true)),
                ("b".into(), column(ColumnType::Text, true)),
            ]),
            vec!["id".into()],
        )
    };
    Schema { version: 1, tables: BTreeMap::from([("t".into(), table("t")), ("u".into(), table("u"))]) }
}

pub(crate) fn welcome(shapes: usize, state: ShapeState, last: MutationNumber) -> Welcome {
    Welcome {
        epoch: Epoch::from("e1"),
        user: None,
        device: DeviceId::from("d1"),
        now: Millis(5_000_000),
        heartbeat: Millis(15_000),
        expires: None,
        shapes: vec![state; shapes],
        last,
        results: Vec::new(),
        aliases: Vec::new(),
        schema: Some(schema()),
        load_resumes: (state == ShapeState::Load).then_some(false),
    }
}

pub(crate) fn checkpoint(epoch: &str, pos: u64, acked: u64) -> Checkpoint {
    Checkpoint {
        cursor: format!("{epoch}-{pos}"),
        pos: Pos(pos),
        tag: Tag(9),
        acked: MutationNumber(acked),
        now: Millis(5_000_000),
    }
}

pub(crate) fn result(n: u64, outcome: Outcome) -> MutationResult {
    let refused = outcome == Outcome::Refused;
    MutationResult {
        n: MutationNumber(n),
        outcome,
        lost: Vec::new(),
        problem: refused.then(|| Problem::new(Code::CheckFailed, "no")),
    }
}

/// A changes frame with puts of `t` in the first shape.
pub(crate) fn changes(pos: u64, acked: u64, rows: &[Row]) -> String {
    let puts = rows.iter().map(|row| {
        let mut out = String::new();
        let key = row.key(&schema().tables["t"]);
        let place = RowKey { table: "t".into(), key };
        write_put(&mut out, &place_fragment(&place), &[0], &row.canonical());
        out
    });
    write_changes(&checkpoint("e1", pos, acked), &puts.collect::<Vec<_>>().join(","))
}

/// A rig that is live on an empty server.
pub(crate) fn live_rig() -> Rig {
    let mut rig = Rig::new();
    rig.open();
    FakeServer::new().serve(&mut rig);
    rig
}

pub(crate) fn results(numbers: &[(u64, Outcome)], problem: Option<Problem>) -> String {
    let results = numbers.iter().map(|(n, outcome)| result(*n, *outcome)).collect();
    Results { results, problem }.to_text()
}
