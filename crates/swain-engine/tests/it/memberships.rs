//! Memberships that move while devices are there and while they are away.

use std::collections::BTreeMap;

use swain_core::protocol::Down;
use swain_core::{Key, Row};
use swain_engine::{TableConfig, Taken};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, Connection, SHAPE_T, everybody, owned};

/// Rows of t belong to projects (b); rows of u say who (owner) is in which (a).
pub(crate) const IN_PROJECT: &str = "b IN (SELECT a FROM u WHERE owner = auth.id)";

pub(crate) fn bench(read: &str) -> Bench {
    let t = TableConfig { read: Some(read.into()), ..everybody() };
    Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]))
}

impl Bench {
    pub(crate) fn row_is(&self, key: &str, project: &str, a: &str) {
        let row = Row::default().with("id", key).with("a", a).with("b", project);
        self.outside("t", key, Some(row));
    }

    pub(crate) fn member_is(&self, id: &str, project: &str, user: &str) {
        self.outside("u", id, Some(Row::default().with("id", id).with("a", project).with("owner", user)));
    }

    pub(crate) fn member_goes(&self, id: &str) {
        self.outside("u", id, None);
    }

    pub(crate) fn outside(&self, table: &str, key: &str, row: Option<Row>) {
        self.engine.store().write_outside(self.now, table, |rows| {
            match row {
                Some(row) => rows.insert(Key::of(key), row),
                None => rows.remove(&Key::of(key)),
            };
        });
    }

    fn again(&mut self, cursor: &str, user: &str) -> Connection {
        self.connect(user, &format!("d-{user}"), &format!(r#"{SHAPE_T},"cursor":"{cursor}""#))
    }

    /// What moves the rights ends the session; the device comes back.
    fn ended(&mut self, mut connection: Connection, user: &str) -> Connection {
        let cursor = connection.cursor();
        connection.frames.clear();
        self.run(&mut connection);
        assert_eq!(connection.story(), ["goaway 0"]);
        assert!(connection.closed.is_some());
        self.again(&cursor, user)
    }
}

#[test]
fn a_grant_brings_the_rows() {
    spec!("R11");
    let mut bench = bench(IN_PROJECT);
    bench.row_is("r", "p", "x");
    let ada = bench.connect("ada", "d-ada", SHAPE_T);

    bench.member_is("m", "p", "ada");
    let mut ada = bench.ended(ada, "ada");

    let story = ada.story();

    assert!(story.contains(&"load 0 rows=1".to_owned()), "{story:?}");
    bench.row_is("r", "p", "y");
    bench.run(&mut ada);
    assert_eq!(ada.story().len(), 1, "and it is live");
}

#[test]
fn a_revoke_stops_what_waits_and_takes_the_rows() {
    spec!("R11");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.row_is("r", "p", "x");
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let cursor = ada.cursor();
    ada.story();

    // A queue is built for a reader that does not read; then the right goes, then the row changes again.
    bench.row_is("r", "p", "waits");
    ready(bench.engine.follow()).expect("memory does not fail");
    bench.member_goes("m");
    bench.row_is("r", "p", "after");
    bench.run(&mut ada);

    assert_eq!(ada.story(), ["goaway 0"], "what waited is gone with the right");
    let mut back = bench.again(&cursor, "ada");
    let story = back.story();
    assert!(story.contains(&"load 0 rows=0".to_owned()), "what the shape held is replaced by nothing: {story:?}");
    assert!(story.iter().any(|frame| frame.starts_with("load_end")), "{story:?}");
}

#[test]
fn a_right_that_went_and_came_back_while_away_tells_nothing_of_between() {
    spec!("R11");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.row_is("r", "p", "x");
    let ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.engine.close(ada.id);
    bench.member_goes("m");
    bench.row_is("r", "p", "secret");
    bench.row_is("r", "p", "open");
    bench.member_is("m", "p", "ada");

    let back = bench.again(&ada.cursor(), "ada");

    let text = format!("{:?}", back.frames);
    assert!(!text.contains("secret") && text.contains("open"), "{text}");
}

#[test]
fn a_row_that_changes_its_project_leaves_one_reader_and_reaches_the_other() {
    spec!("R11");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "q", "ben");
    bench.row_is("r", "p", "x");
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    ada.story();
    ben.story();

    bench.row_is("r", "q", "x");
    bench.run(&mut ada);
    bench.run(&mut ben);

    assert!(ada.story()[0].contains(r#"remove ["r"]"#));
    assert!(ben.story()[0].contains(r#"put ["r"]"#));
}

#[test]
fn a_change_of_membership_concerns_nobody_else() {
    spec!("R11");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("n", "q", "ben");
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    ben.story();
    let asks = ben.asks;

    bench.member_is("m", "p", "ada");
    bench.member_is("m", "q", "ada");
    bench.member_goes("m");
    ready(bench.engine.follow()).expect("memory does not fail");

    let Taken::Live { deliveries, .. } = bench.engine.take(ben.id) else { panic!("ben is live") };
    assert!(deliveries.is_empty());
    bench.run(&mut ben);
    assert_eq!((ben.story().len(), ben.asks), (0, asks), "no frame, no query");
}

#[test]
fn a_membership_of_a_membership_is_followed() {
    spec!("R11");
    let mut bench = bench("b IN (SELECT a FROM u WHERE owner IN (SELECT a FROM u WHERE owner = auth.id))");
    bench.member_is("group", "p", "group");
    bench.row_is("r", "p", "x");
    let ada = bench.connect("ada", "d-ada", SHAPE_T);

    bench.member_is("m", "group", "ada");
    let ada = bench.ended(ada, "ada");
    assert!(ada.has_loaded(1));
    bench.member_goes("group");
    let ada = bench.ended(ada, "ada");
    assert!(ada.has_loaded(0));
}

impl Connection {
    fn has_loaded(&self, rows: usize) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Down::Load(chunk) if chunk.rows.len() == rows))
    }
}
