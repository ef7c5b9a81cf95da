//! Why somebody sees a row, or does not.

use std::collections::BTreeMap;

use swain_core::rule::Auth;
use swain_core::{Key, Row};
use swain_engine::{Clause, Explanation, Reason, TableConfig, explain};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, everybody, owned};

/// Rows of t belong to projects (b); rows of u say who (owner) is in which (a).
const MINE_OR_OPEN: &str = "a = 'open' OR b IN (SELECT a FROM u WHERE owner = auth.id)";

fn bench() -> Bench {
    let t = TableConfig { read: Some(MINE_OR_OPEN.into()), update: Some("auth.role = 'coach'".into()), ..everybody() };
    let bench = Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]));
    put(&bench, "t", "r", &[("a", "closed"), ("b", "p")]);
    put(&bench, "u", "m", &[("a", "p"), ("owner", "ada")]);
    bench
}

fn put(bench: &Bench, table: &str, id: &str, values: &[(&str, &str)]) {
    let row = values.iter().fold(Row::default().with("id", id), |row, (column, value)| row.with(column, *value));
    bench.engine.store().write_outside(bench.now, table, |rows| drop(rows.insert(Key::of(id), row)));
}

fn take(bench: &Bench, table: &str, id: &str) {
    bench.engine.store().write_outside(bench.now, table, |rows| drop(rows.remove(&Key::of(id))));
}

fn ask(bench: &Bench, user: &str) -> Explanation {
    let catalog = bench.engine.catalog();
    let auth = Auth { user: Some(user.into()), ..Auth::default() };
    let table = &catalog.schema.tables["t"];
    ready(explain(&**bench.engine.store(), &catalog, &auth, table, &Key::of("r"))).expect("memory does not fail")
}

/// `+` grants, `-` does not, `?` is unknown.
fn lines(explained: &Explanation, right: &str) -> Vec<String> {
    let right = explained.rights.iter().find(|known| known.name == right).expect("there is such a right");
    let line = |clause: &Clause| {
        let sign = clause.truth.map_or('?', |truth| if truth { '+' } else { '-' });
        let values: Vec<String> = clause.values.iter().map(|(what, value)| format!("{what} {value}")).collect();
        format!("{}{sign} {} [{}]", "  ".repeat(clause.depth), clause.text, values.join("; "))
    };
    right.clauses.iter().map(line).collect()
}

#[test]
fn each_clause_has_its_truth_and_what_it_compares() {
    spec!("R16");
    let bench = bench();

    let (ada, ben) = (ask(&bench, "ada"), ask(&bench, "ben"));

    assert_eq!(
        lines(&ada, "read"),
        [
            "+ a = 'open' OR b IN (SELECT a FROM u WHERE owner = auth.id) []",
            "  - a = 'open' [a \"closed\"]",
            "  + b IN (SELECT a FROM u WHERE owner = auth.id) [b \"p\"; the SELECT gives \"p\"]",
        ]
    );
    assert_eq!(
        lines(&ben, "read")[2],
        "  - b IN (SELECT a FROM u WHERE owner = auth.id) [b \"p\"; the SELECT gives nothing]"
    );
    assert_eq!(
        lines(&ada, "update"),
        ["? auth.role = 'coach' [auth.role null]"],
        "no role is unknown, and grants nothing"
    );
    assert_eq!((ada.departure, ben.departure), (None, None), "ada sees it, and ben never did");
}

#[test]
fn a_row_that_left_says_how() {
    spec!("R16");
    let bench = bench();
    take(&bench, "u", "m");
    let lost = ask(&bench, "ada").departure.expect("she lost the right");
    assert!(
        matches!(&lost.reason, Reason::RightLost(row) if &*row.table == "u" && row.key == Key::of("m")),
        "{lost:?}"
    );

    put(&bench, "u", "m", &[("a", "p"), ("owner", "ada")]);
    assert_eq!(ask(&bench, "ada").departure, None, "she has it again");

    put(&bench, "t", "r", &[("a", "closed"), ("b", "q")]);
    let moved = ask(&bench, "ada").departure.expect("it went to another project");
    assert!(matches!(&moved.reason, Reason::Changed(columns) if *columns == ["b".into()]), "{moved:?}");
    assert!(moved.pos > lost.pos);

    take(&bench, "t", "r");
    let gone = ask(&bench, "ada");
    assert_eq!((gone.row, gone.departure.map(|gone| gone.reason)), (None, Some(Reason::Deleted)));
}
