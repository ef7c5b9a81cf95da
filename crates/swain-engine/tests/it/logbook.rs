//! The merge of a practice log and the strategies of an assessment, from configuration alone, against a merge that is
//! written from the documents' description of it.
//!
//! Where Swain differs on purpose:
//!
//! | what | description | here | because |
//! | --- | --- | --- | --- |
//! | order of notes and tags | the device's, then the server's | the server's, then the device's | only the server merges, and every device has to come to the same |
//! | a part of the notes that both have | twice | once | a retry, or an edit that both have seen, must not make notes grow |
//! | a duration that one side cleared | 0 or NaN by `Math.max` | the other side's | null is no duration |

use std::collections::{BTreeMap, BTreeSet};

use swain_core::{Key, Pos, Row, Value};
use swain_engine::{ColumnConfig, TableConfig};
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, everybody};
use crate::random::Random;

const TRIPLES: u64 = 10_000;
const RULE: &str = "\n\n---\n\n";
const WORDS: [&str; 5] = ["scales", "slow", "left hand", "pedal", "bar 12"];

/// Notes, duration, tags and piece, in the columns of the bench.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    notes: String,
    duration: i64,
    tags: Vec<&'static str>,
    piece: &'static str,
}

impl Entry {
    fn row(&self) -> Row {
        let tags = self.tags.iter().map(|tag| Value::text(*tag)).collect();
        Row::default()
            .with("b", Value::text(self.notes.as_str()))
            .with("n", self.duration)
            .with("tags", Value::List(tags))
            .with("a", self.piece)
    }
}

/// The description: a field that one side changed is that side's; of both, notes are put together, the longer duration
/// counts, tags are united, and of anything else the server's value stays.
fn described(base: &Entry, server: &Entry, device: &Entry) -> Entry {
    fn field<T: PartialEq + Clone>(base: &T, server: &T, device: &T, both: impl FnOnce() -> T) -> T {
        match (server == base, device == base) {
            (_, true) => server.clone(),
            (true, false) => device.clone(),
            (false, false) if server == device => server.clone(),
            (false, false) => both(),
        }
    }
    Entry {
        notes: field(&base.notes, &server.notes, &device.notes, || format!("{}{RULE}{}", device.notes, server.notes)),
        duration: field(&base.duration, &server.duration, &device.duration, || server.duration.max(device.duration)),
        tags: field(&base.tags, &server.tags, &device.tags, || {
            let mut all = device.tags.clone();
            all.extend(server.tags.iter().filter(|tag| !device.tags.contains(tag)));
            all
        }),
        piece: field(&base.piece, &server.piece, &device.piece, || server.piece),
    }
}

/// The differences of the table above, taken out.
fn comparable(row: &Row) -> (BTreeSet<String>, i64, BTreeSet<String>, String) {
    let text = |column| row.value(column).as_text().unwrap_or_default().to_owned();
    let notes = text("b").split(RULE).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let Value::List(tags) = row.value("tags") else { panic!("tags are an array: {row:?}") };
    let tags = tags.iter().filter_map(Value::as_text).map(str::to_owned).collect();
    (notes, row.value("n").as_int().unwrap_or_default(), tags, text("a"))
}

struct Draws(Random);

impl Draws {
    fn word(&mut self) -> &'static str {
        WORDS[self.0.below(WORDS.len())]
    }

    fn entry(&mut self) -> Entry {
        let mut tags: Vec<&str> = (0..self.0.below(4)).map(|_| self.word()).collect();
        tags.sort_unstable();
        tags.dedup();
        Entry { notes: self.word().to_owned(), duration: self.0.below(90) as i64, tags, piece: self.word() }
    }

    /// Some fields of it are changed.
    fn edited(&mut self, base: &Entry) -> Entry {
        let (mut entry, new) = (base.clone(), self.entry());
        let fields = self.0.below(16);
        if fields & 1 > 0 {
            entry.notes = new.notes;
        }
        if fields & 2 > 0 {
            entry.duration = new.duration;
        }
        if fields & 4 > 0 {
            entry.tags = new.tags;
        }
        if fields & 8 > 0 {
            entry.piece = new.piece;
        }
        entry
    }
}

fn operation(key: &str, base: &Entry, entry: &Entry) -> Option<String> {
    let (base, changed) = (base.row(), entry.row().changed_since(&base.row()));
    let was = changed.0.keys().map(|name| format!(r#""{name}":{{"value":{}}}"#, base.value(name).canonical()));
    let was = was.collect::<Vec<_>>().join(",");
    let set = changed.canonical();
    (!was.is_empty()).then(|| format!(r#"{{"update":{{"table":"t","key":["{key}"],"set":{set},"was":{{{was}}}}}}}"#))
}

fn configured(columns: [(&str, &str); 4]) -> TableConfig {
    let config = |rule: &str| ColumnConfig {
        strategy: Some(rule.into()),
        separator: (rule == "concat").then(|| RULE.into()),
        ..ColumnConfig::default()
    };
    TableConfig {
        columns: columns.map(|(name, rule)| (name.to_owned(), config(rule))).into(),
        scopes: Vec::new(),
        ..everybody()
    }
}

#[test]
fn random_practice_logs_are_merged_as_their_document_says() {
    spec!("M13");
    let table = configured([("b", "concat"), ("n", "max"), ("tags", "union"), ("a", "server-wins")]);
    let seed = 20_261_125;
    println!("seed {seed}");
    let mut draws = Draws(Random(seed));
    let mut disputed = 0;
    for _ in 0..TRIPLES / 100 {
        // The log of one bench stays short, so that a test of ten thousand does not take long.
        let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), table.clone())]));
        let (mut phone, mut tablet) =
            (bench.connect("ada", "d-phone", SHAPE_T), bench.connect("ada", "d-tablet", SHAPE_T));
        let (mut first, mut second) = (0, 0);
        for number in 0..100 {
            let key = format!("k{number}");
            let base = draws.entry();
            let (server, device) = (draws.edited(&base), draws.edited(&base));
            let set = base.row().canonical();
            let now = bench.now;
            first += 1;
            bench.push(&mut phone, first, &format!(r#"{{"insert":{{"table":"t","key":["{key}"],"set":{set}}}}}"#));
            if let Some(edit) = operation(&key, &base, &server) {
                first += 1;
                bench.push(&mut phone, first, &edit);
            }
            if let Some(edit) = operation(&key, &base, &device) {
                second += 1;
                let result = bench.push_at(&mut tablet, second, now, Pos(0), &edit);
                disputed += usize::from(!result.lost.is_empty());
            }
            let row = bench.engine.store().rows("t").remove(&Key::of(key.as_str())).expect("it is there");
            let expected = described(&base, &server, &device);
            assert_eq!(comparable(&row), comparable(&expected.row()), "{base:?} {server:?} {device:?}");
        }
    }
    assert!(disputed > 1_000, "only {disputed} were in dispute");
}

/// The names of an assessment are the later's, its answers a person's, its progress the server's.
#[test]
fn the_strategies_of_an_assessment_run_from_configuration() {
    spec!("M5", "M15");
    use swain_core::protocol::Outcome::{Applied, Conflict, Overruled};
    let table = configured([("a", "last-write-wins"), ("b", "manual"), ("n", "server-wins"), ("tags", "arrival")]);
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), table)]));
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    let insert = r#"{"insert":{"table":"t","key":["k"],"set":{"a":"name","b":"answer","n":10}}}"#;
    bench.push(&mut ada, 1, insert);
    let edit = |column: &str, was: &str, new: &str| {
        format!(
            r#"{{"update":{{"table":"t","key":["k"],"set":{{"{column}":{new}}},"was":{{"{column}":{{"value":{was}}}}}}}}}"#
        )
    };
    for (index, (column, was, first, second, outcome, stays)) in [
        ("a", "\"name\"", "\"ada's\"", "\"ben's\"", Applied, "\"ben's\""),
        ("b", "\"answer\"", "\"ada's\"", "\"ben's\"", Conflict, "\"ada's\""),
        ("n", "10", "20", "30", Overruled, "20"),
    ]
    .into_iter()
    .enumerate()
    {
        let n = index as u64;
        bench.push(&mut ada, n + 2, &edit(column, was, first));
        let result = bench.push(&mut ben, n + 1, &edit(column, was, second));
        let row = bench.row("t", "k").expect("it is there");
        assert_eq!((result.outcome, row.value(column).canonical().as_str()), (outcome, stays), "{column}");
    }
}
