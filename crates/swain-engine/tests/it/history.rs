//! What happened to a row, as somebody may see it.

use std::collections::BTreeMap;

use swain_core::rule::Auth;
use swain_core::{Code, Pos, Row, Value, Who};
use swain_engine::limits::{HISTORY_LOOKED_MAX, HISTORY_PAGE_MAX};
use swain_engine::{History, HistoryError, TableConfig};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, update};

fn bench(read: &str, hidden: &[(&str, &str)]) -> Bench {
    let hidden = hidden.iter().map(|(column, mask)| ((*column).to_owned(), (*mask).to_owned())).collect();
    let table = TableConfig { read: Some(read.into()), write: Some("true".into()), hidden, ..TableConfig::default() };
    Bench::with(BTreeMap::from([("t".to_owned(), table)]))
}

fn insert(a: &str, b: &str) -> String {
    format!(r#"{{"insert":{{"table":"t","key":["k"],"set":{{"a":"{a}","b":"{b}"}}}}}}"#)
}

fn auth(user: &str, role: Option<&str>) -> Auth {
    Auth { user: Some(user.into()), role: role.map(str::to_owned), claims: BTreeMap::new() }
}

fn page(bench: &Bench, auth: &Auth, before: Option<Pos>, max: usize) -> History {
    ready(bench.engine.history(auth, "t", "k", before, max)).expect("there is such a table")
}

/// Column a before and after, newest first.
fn steps(history: &History) -> Vec<(Option<String>, Option<String>)> {
    let a = |row: &Option<Row>| row.as_ref().map(|row| row.value("a").as_text().unwrap_or("null").to_owned());
    history.steps.iter().map(|step| (a(&step.before), a(&step.after))).collect()
}

fn step(before: &str, after: &str) -> (Option<String>, Option<String>) {
    let side = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (side(before), side(after))
}

#[test]
fn a_version_is_shown_to_whom_the_rule_grants_it_now() {
    spec!("R17");
    let mut bench = bench("b = auth.id OR auth.role = 'coach'", &[]);
    let mut ada = bench.connect("ada", "d1", r#""shapes":[]"#);
    bench.push(&mut ada, 1, &insert("one", "ada"));
    bench.push(&mut ada, 2, &update("k", "a", "\"one\"", "\"two\""));
    bench.push(&mut ada, 3, &update("k", "b", "\"ada\"", "\"ben\""));
    let mut ben = bench.connect("ben", "d2", r#""shapes":[]"#);
    bench.push(&mut ben, 1, &update("k", "a", "\"two\"", "\"three\""));

    let of_ada = page(&bench, &auth("ada", None), None, 10);
    assert_eq!(steps(&of_ada), [step("two", ""), step("one", "two"), step("", "one")], "it left her sight");
    let of_ben = page(&bench, &auth("ben", None), None, 10);
    assert_eq!(steps(&of_ben), [step("two", "three"), step("", "two")], "what was before he had it is not his");
    assert_eq!(steps(&page(&bench, &auth("eve", None), None, 10)), []);
    assert_eq!(page(&bench, &auth("cleo", Some("coach")), None, 10).steps.len(), 4);
    assert!(matches!(&of_ben.steps[0].who, Who::Device { user: Some(user), .. } if user.as_str() == "ben"));
}

#[test]
fn hidden_columns_have_no_history() {
    spec!("R12", "R17");
    let mut bench = bench("true", &[("b", "auth.role <> 'coach'")]);
    let mut ada = bench.connect("ada", "d1", r#""shapes":[]"#);
    bench.push(&mut ada, 1, &crate::bench::insert("k", "one"));
    let mut coach = bench.connect("cleo/coach", "d2", r#""shapes":[]"#);
    bench.push(&mut coach, 1, &update("k", "b", "null", "\"secret\""));

    let of_ada = page(&bench, &auth("ada", None), None, 10);

    assert_eq!(steps(&of_ada), [step("", "one")], "a change of what is hidden alone is none");
    let rows = of_ada.steps.iter().flat_map(|step| step.before.iter().chain(&step.after));
    assert!(rows.clone().count() > 0 && rows.clone().all(|row| *row.value("b") == Value::Null));
}

#[test]
fn pages_go_on_where_the_last_one_ended_also_over_what_nobody_may_see() {
    spec!("R17");
    let mut bench = bench("b = auth.id", &[]);
    let mut ada = bench.connect("ada", "d1", r#""shapes":[]"#);
    bench.push(&mut ada, 1, &insert("0", "ada"));
    let hidden = HISTORY_LOOKED_MAX + 10;
    bench.push(&mut ada, 2, &update("k", "b", "\"ada\"", "\"eve\""));
    let mut eve = bench.connect("eve", "d2", r#""shapes":[]"#);
    for n in 0..hidden {
        let values = [format!("\"{n}\""), format!("\"{}\"", n + 1)];
        bench.push(&mut eve, 1 + n as u64, &update("k", "a", &values[0], &values[1]));
    }

    let first = page(&bench, &auth("ada", None), None, HISTORY_PAGE_MAX);
    let second = page(&bench, &auth("ada", None), first.more, 1);
    let third = page(&bench, &auth("ada", None), second.more, 5);

    assert_eq!((steps(&first), first.more.is_some()), (vec![], true), "it looked at as many as it may");
    assert_eq!(steps(&second), [step("0", "")]);
    assert_eq!((steps(&third), third.more), (vec![step("", "0")], None));
}

#[test]
fn what_cannot_be_asked_for_is_said_with_its_place() {
    spec!("R17");
    let bench = bench("true", &[]);
    let ask = |table: &str, key: &str| match ready(bench.engine.history(&auth("ada", None), table, key, None, 1)) {
        Err(HistoryError::Problem(problem)) => (problem.code, problem.at),
        other => panic!("{other:?}"),
    };

    assert_eq!(ask("u", "k"), (Code::UnknownTable, Some("table".to_owned())));
    assert_eq!(ask("t", "[1,2]"), (Code::BadKey, Some("key".to_owned())));
}
