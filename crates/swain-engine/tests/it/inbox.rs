//! What a person decides: conflicts and refusals as rows that those concerned hold, and their decisions.

use std::collections::BTreeMap;

use swain_core::protocol::{Down, MutationResult, Outcome, RowOperation};
use swain_core::{Code, Key, Row, Value, inbox};
use swain_engine::{Catalog, ColumnConfig, TableConfig};
use swain_testkit::spec;

use crate::bench::{Bench, Connection, everybody, insert, owned, schema, update};

const SHAPES: &str = r#""shapes":[{"table":"t"},{"table":"swain_inbox"}]"#;

/// `a` asks a person, `b` is a text that is merged; who is no coach does not see `n`, which asks a person, too.
fn bench() -> Bench {
    let strategy = |name: &str| ColumnConfig { strategy: Some(name.into()), ..ColumnConfig::default() };
    let columns = [("a", "manual"), ("b", "text"), ("n", "manual")];
    let t = TableConfig {
        columns: columns.into_iter().map(|(name, rule)| (name.to_owned(), strategy(rule))).collect(),
        hidden: BTreeMap::from([("n".to_owned(), "auth.role <> 'coach'".to_owned())]),
        ..everybody()
    };
    Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), TableConfig { inbox: true, ..owned() })]))
}

/// Ada and Ben, who see each other's edits of row k, and Cyd, a coach.
struct People {
    bench: Bench,
    ada: Connection,
    ben: Connection,
    cyd: Connection,
}

impl People {
    fn new() -> Self {
        let mut bench = bench();
        let mut ada = bench.connect("ada", "d-ada", SHAPES);
        let ben = bench.connect("ben", "d-ben", SHAPES);
        let cyd = bench.connect("cyd/coach", "d-cyd", SHAPES);
        bench.push(&mut ada, 1, &insert("k", "base"));
        Self { bench, ada, ben, cyd }
    }

    /// Ada's edit comes first, Ben's did not know of it.
    fn disagree(&mut self) -> MutationResult {
        self.bench.push(&mut self.ada, 2, &update("k", "a", "\"base\"", "\"ada's\""));
        self.bench.push(&mut self.ben, 1, &update("k", "a", "\"base\"", "\"ben's\""))
    }

    fn run(&mut self) {
        for connection in [&mut self.ada, &mut self.ben, &mut self.cyd] {
            self.bench.run(connection);
        }
    }

    fn items(&self) -> Vec<Row> {
        self.bench.engine.store().rows(inbox::TABLE).into_values().collect()
    }

    fn item(&self) -> Row {
        let items = self.items();
        assert_eq!(items.len(), 1, "{items:?}");
        items.into_iter().next().expect("there is one")
    }
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.value(column).as_text().unwrap_or_else(|| panic!("{column} is {:?}", row.value(column)))
}

/// The rows of the inbox that a device was sent and that have not left it.
fn held(connection: &Connection) -> BTreeMap<Key, Row> {
    let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
    let mut apply = |operation: &RowOperation| match operation {
        RowOperation::Put { row, values, .. } if row.table.as_str() == inbox::TABLE => {
            rows.insert(row.key.clone(), values.clone());
        }
        RowOperation::Patch { row, set, .. } if row.table.as_str() == inbox::TABLE => {
            rows.entry(row.key.clone()).or_default().0.extend(set.0.clone());
        }
        RowOperation::Remove { row } if row.table.as_str() == inbox::TABLE => drop(rows.remove(&row.key)),
        _ => {}
    };
    for frame in &connection.frames {
        match frame {
            Down::Changes { rows: operations, .. } => operations.iter().for_each(&mut apply),
            Down::LoadChanges(operations) => operations.iter().for_each(&mut apply),
            _ => {}
        }
    }
    rows
}

fn decide(item: &Row, choice: &str) -> String {
    let id = text(item, "id");
    format!(
        r#"{{"update":{{"table":"swain_inbox","key":["{id}"],"set":{{"choice":"{choice}"}},"was":{{"choice":{{"value":null}}}}}}}}"#
    )
}

#[test]
fn a_column_that_two_people_changed_waits_for_a_person() {
    spec!("M15");
    let mut people = People::new();

    let result = people.disagree();

    assert_eq!((result.outcome, result.lost[0].as_str()), (Outcome::Conflict, "a"));
    assert_eq!(text(&people.bench.row("t", "k").expect("it is there"), "a"), "ada's", "the server keeps its value");
    let item = people.item();
    let words = ["kind", "state", "row_table", "row_column", "rule", "base", "mine", "theirs", "mine_by", "theirs_by"];
    let words = words.map(|column| text(&item, column));
    assert_eq!(words, ["conflict", "open", "t", "a", "manual", "base", "ben's", "ada's", "ben", "ada"]);
    assert!(item.value("mine_at").as_int() > item.value("theirs_at").as_int().map(|at| at - 1000));
    people.run();
    assert_eq!(held(&people.ada).len(), 1, "whose edit is there sees it");
    assert_eq!(held(&people.ben).len(), 1, "whose edit waits sees it");
}

#[test]
fn different_words_of_a_text_are_merged_and_the_same_words_are_a_persons() {
    spec!("M14", "M15");
    let mut people = People::new();
    people.bench.push(&mut people.ada, 2, &update("k", "b", "null", "\"at six on court one\""));
    let base = "\"at six on court one\"";

    people.bench.push(&mut people.ada, 3, &update("k", "b", base, "\"at seven on court one\""));
    let merged = people.bench.push(&mut people.ben, 1, &update("k", "b", base, "\"at six on court two\""));
    assert_eq!(merged.outcome, Outcome::Merged);
    assert_eq!(text(&people.bench.row("t", "k").expect("it is there"), "b"), "at seven on court two");

    let disputed = people.bench.push(&mut people.ben, 2, &update("k", "b", base, "\"at eight on court one\""));
    assert_eq!(disputed.outcome, Outcome::Conflict);
    let item = people.item();
    assert_eq!(text(&item, "merged"), "at seven on court two\nat eight on court one", "no word is made of two");
}

/// What the first edit was merged with is not wiped out by the next one, which did not know of it.
#[test]
fn a_second_edit_on_its_way_keeps_what_the_first_was_merged_with() {
    spec!("M4", "M14");
    let mut people = People::new();
    people.bench.push(&mut people.ada, 2, &update("k", "b", "null", "\"one two three\""));
    people.bench.push(&mut people.ada, 3, &update("k", "b", "\"one two three\"", "\"ONE two three\""));
    people.bench.push(&mut people.ben, 1, &update("k", "b", "\"one two three\"", "\"one two THREE\""));

    let next = r#"{"update":{"table":"t","key":["k"],"set":{"b":"one TWO THREE"},"was":{"b":{"after":1,"value":"one two THREE"}}}}"#;
    people.bench.push(&mut people.ben, 2, next);

    assert_eq!(text(&people.bench.row("t", "k").expect("it is there"), "b"), "ONE TWO THREE");
}

#[test]
fn going_on_with_an_edit_that_waits_is_the_same_conflict() {
    spec!("M15");
    let mut people = People::new();
    people.disagree();

    let next =
        r#"{"update":{"table":"t","key":["k"],"set":{"a":"ben's again"},"was":{"a":{"after":1,"value":"ben's"}}}}"#;
    let result = people.bench.push(&mut people.ben, 2, next);

    assert_eq!(result.outcome, Outcome::Conflict);
    let item = people.item();
    assert_eq!([text(&item, "base"), text(&item, "mine"), text(&item, "theirs")], ["base", "ben's again", "ada's"]);
}

#[test]
fn a_conflict_is_decided_once_and_for_all_who_see_it() {
    spec!("M15");
    let mut people = People::new();
    people.disagree();
    let item = people.item();

    let mine = format!("{},{}", update("k", "a", "\"ada's\"", "\"ben's\""), decide(&item, "mine"));
    let first = people.bench.push(&mut people.ben, 2, &mine);
    let second = people.bench.push(&mut people.ada, 3, &decide(&item, "theirs"));

    assert_eq!(first.outcome, Outcome::Applied);
    assert_eq!(
        (second.outcome, second.problem.map(|problem| problem.code)),
        (Outcome::Refused, Some(Code::AlreadyResolved))
    );
    assert_eq!(text(&people.bench.row("t", "k").expect("it is there"), "a"), "ben's");
    people.run();
    for connection in [&people.ada, &people.ben] {
        let held = held(connection);
        let row = held.values().next().expect("what is decided stays to be seen");
        assert_eq!([text(row, "state"), text(row, "choice"), text(row, "resolved_by")], ["resolved", "mine", "ben"]);
    }
    // The same decision, sent again because its answer was lost.
    let again = people.bench.push(&mut people.ben, 2, &mine);
    assert_eq!(again.outcome, Outcome::Applied);
    assert_eq!(people.item().value("choice").as_text(), Some("mine"));
}

#[test]
fn a_decision_says_what_the_row_has() {
    spec!("M15");
    let mut people = People::new();
    people.disagree();
    let item = people.item();

    let lie = people.bench.push(&mut people.ben, 2, &decide(&item, "mine"));
    assert_eq!(lie.problem.map(|problem| problem.code), Some(Code::Conflict), "the row has ada's value");
    let blind = format!("{},{}", update("k", "a", "\"base\"", "\"ben's\""), decide(&item, "mine"));
    let blind = people.bench.push(&mut people.ben, 3, &blind);
    assert_eq!(blind.problem.map(|problem| problem.code), Some(Code::Conflict), "he did not see ada's value");
    let word = people.bench.push(&mut people.ben, 4, &decide(&item, "discarded"));
    assert_eq!(word.problem.map(|problem| problem.code), Some(Code::CheckFailed), "a conflict is not discarded");
    assert_eq!(people.items(), std::slice::from_ref(&item), "a decision that is refused is no item of its own");

    let edited = format!("{},{}", update("k", "a", "\"ada's\"", "\"both\""), decide(&item, "edited"));
    assert_eq!(people.bench.push(&mut people.ben, 5, &edited).outcome, Outcome::Applied);
    assert_eq!(text(&people.item(), "resolution"), "both");
}

#[test]
fn a_mutation_of_several_rows_is_not_torn_by_a_conflict() {
    spec!("M15");
    let mut people = People::new();
    people.bench.push(&mut people.ada, 2, &update("k", "a", "\"base\"", "\"ada's\""));

    let both = format!("{},{}", insert("k2", "new"), update("k", "a", "\"base\"", "\"ben's\""));
    let result = people.bench.push(&mut people.ben, 1, &both);

    assert_eq!(result.problem.map(|problem| problem.code), Some(Code::Conflict));
    assert!(people.bench.row("t", "k2").is_none(), "nothing of it was done");
    let item = people.item();
    assert_eq!([text(&item, "kind"), text(&item, "mine_by")], ["refusal", "ben"]);
    let Value::List(ops) = item.value("ops") else { panic!("it has its operations") };
    assert_eq!(ops.len(), 2);
}

#[test]
fn what_a_mask_hides_is_hidden_in_a_conflict_too() {
    spec!("M15", "R12");
    let mut people = People::new();
    let mut dot = people.bench.connect("dot/coach", "d-dot", SHAPES);
    people.bench.push(&mut dot, 1, &update("k", "n", "null", "41"));

    let result = people.bench.push(&mut people.cyd, 1, &update("k", "n", "null", "42"));

    assert_eq!(result.outcome, Outcome::Conflict);
    people.run();
    people.bench.run(&mut dot);
    assert_eq!([held(&people.cyd).len(), held(&dot).len()], [1, 1]);
    assert!(held(&people.ada).is_empty() && held(&people.ben).is_empty(), "who may write the row, but not see n");
    let seats = held(&people.cyd).values().any(|row| row.0.keys().any(|name| name.starts_with("seat_")));
    assert!(!seats, "what the rules compare is nobody's");
}

#[test]
fn a_refusal_is_kept_for_its_person_and_nobody_else() {
    spec!("M16");
    let mut people = People::new();
    let mut tablet = people.bench.connect("ada", "d-tablet", SHAPES);
    let wrong = r#"{"insert":{"table":"t","key":["k9"],"set":{"a":"x","n":100}}}"#;
    let child = r#"{"update":{"table":"t","key":["k9"],"set":{"b":"y"},"was":{"b":{"value":null}}}}"#;
    let mut ada = people.bench.connect("ada", "d-ada-2", SHAPES);

    let refused = people.bench.push(&mut ada, 1, wrong);
    let second = people.bench.push(&mut ada, 2, child);

    // n is hidden from who is no coach: refused like a column that is not there.
    assert_eq!(refused.problem.map(|problem| problem.code), Some(Code::UnknownColumn));
    assert_eq!(second.problem.map(|problem| problem.code), Some(Code::RowGone));
    people.run();
    people.bench.run(&mut tablet);
    let items = held(&tablet);
    assert_eq!(items.len(), 2, "on every device of the person");
    let groups: std::collections::BTreeSet<&str> = items.values().map(|row| text(row, "item")).collect();
    assert_eq!(groups.len(), 1, "what needed the row that was not made is one group with it");
    assert!(held(&people.ben).is_empty() && held(&people.cyd).is_empty());
    let first = items.values().find(|row| row.value("n") == &Value::Int(1)).expect("it is there");
    assert!(first.value("ops").canonical().contains("\"k9\""), "with the values");
    assert!(first.value("problem").canonical().contains("unknown_column"), "and the reason");
}

#[test]
fn a_refusal_is_tried_again_or_given_up_from_any_device() {
    spec!("M16");
    let mut people = People::new();
    let mut tablet = people.bench.connect("cyd/coach", "d-tablet", SHAPES);
    let with = |n: i64| format!(r#"{{"insert":{{"table":"t","key":["k9"],"set":{{"a":"x","n":{n}}}}}}}"#);
    let refused = people.bench.push(&mut people.cyd, 1, &with(100));
    assert_eq!(refused.problem.map(|problem| problem.code), Some(Code::CheckFailed));
    let item = people.item();

    let again = people.bench.push(&mut tablet, 1, &format!("{},{}", with(100), decide(&item, "retried")));
    assert_eq!(again.problem.map(|problem| problem.code), Some(Code::CheckFailed));
    assert_eq!(people.items(), std::slice::from_ref(&item), "it waits as before");
    let other = people.bench.push(&mut people.ben, 1, &decide(&item, "discarded"));
    assert_eq!(other.problem.map(|problem| problem.code), Some(Code::RowGone), "nobody else knows of it");

    let edited = people.bench.push(&mut tablet, 2, &format!("{},{}", with(99), decide(&item, "retried")));
    assert_eq!(edited.outcome, Outcome::Applied);
    assert_eq!(people.bench.row("t", "k9").map(|row| row.value("n").clone()), Some(Value::Int(99)));
    assert_eq!([text(&people.item(), "state"), text(&people.item(), "choice")], ["resolved", "retried"]);
    let late = people.bench.push(&mut people.cyd, 2, &decide(&item, "discarded"));
    assert_eq!(late.problem.map(|problem| problem.code), Some(Code::AlreadyResolved));
}

#[test]
fn nobody_writes_the_inbox_but_by_deciding() {
    spec!("M15");
    let mut people = People::new();
    people.disagree();
    let item = people.item();
    let id = text(&item, "id");
    for operation in [
        format!(r#"{{"delete":{{"table":"swain_inbox","key":["{id}"]}}}}"#),
        r#"{"insert":{"table":"swain_inbox","key":["x"],"set":{"item":"x","kind":"refusal","state":"open","opened_at":1}}}"#.to_owned(),
        format!(r#"{{"update":{{"table":"swain_inbox","key":["{id}"],"set":{{"mine":"forged","choice":"theirs"}},"was":{{"mine":{{"value":null}},"choice":{{"value":null}}}}}}}}"#),
        format!(r#"{{"update":{{"table":"swain_inbox","key":["{id}"],"inc":{{"mine_at":1}}}}}}"#),
    ] {
        let n = people.bench.engine.store().positions().len() as u64;
        let mut eve = people.bench.connect("eve", &format!("d-eve-{n}"), SHAPES);
        assert_eq!(people.bench.push(&mut eve, 1, &operation).outcome, Outcome::Refused, "{operation}");
    }
    assert_eq!(people.items(), [item]);
}

#[test]
fn a_delete_of_a_row_that_was_changed_does_what_the_table_says() {
    spec!("M8");
    for (on_delete, outcome, is_there) in [
        ("delete-wins", Outcome::Applied, false),
        ("update-wins", Outcome::Overruled, true),
        ("manual", Outcome::Refused, true),
    ] {
        let table = TableConfig { on_delete: Some(on_delete.into()), ..everybody() };
        let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), table)]));
        let shapes = r#""shapes":[{"table":"t"}]"#;
        let (mut ada, mut ben) = (bench.connect("ada", "d-ada", shapes), bench.connect("ben", "d-ben", shapes));
        bench.push(&mut ada, 1, &insert("k", "x"));
        let seen = bench.row("t", "k").expect("it is there").hash();
        bench.push(&mut ada, 2, &update("k", "a", "\"x\"", "\"changed\""));
        let delete = |seen: &str| format!(r#"{{"delete":{{"table":"t","key":["k"],"seen":"{seen}"}}}}"#);

        let result = bench.push(&mut ben, 1, &delete(&seen));

        assert_eq!((result.outcome, bench.row("t", "k").is_some()), (outcome, is_there), "{on_delete}");
        if let Some(row) = bench.row("t", "k") {
            let informed = bench.push(&mut ben, 2, &delete(&row.hash()));
            assert_eq!((informed.outcome, bench.row("t", "k")), (Outcome::Applied, None), "{on_delete}");
        }
    }
}

#[test]
fn an_inbox_whose_rules_it_cannot_carry_is_refused_at_the_start() {
    spec!("M15");
    let manual = ColumnConfig { strategy: Some("manual".into()), ..ColumnConfig::default() };
    let table = TableConfig {
        read: Some("tags IS NULL".into()),
        columns: BTreeMap::from([("a".to_owned(), manual)]),
        ..everybody()
    };
    let error = Catalog::new(schema(), &BTreeMap::from([("t".to_owned(), table)])).expect_err("json has no seat");
    let said = error.to_string();
    assert!(said.contains("[tables.t]") && said.contains("'tags' of type json"), "{said}");
}
