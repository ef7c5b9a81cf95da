//! Constraints of the schema, and what they do to a group (spec S5, S6).

use crate::bed::{Bed, insert, outcomes, submission, update};
use swain_core::protocol::Outcome::{Applied, Refused};
use swain_core::{Code, Key, Operation, Problem, Row};
use swain_store::{Answer, ready};
use swain_testkit::spec;

#[test]
fn a_constraint_that_ends_the_transaction_refuses_only_its_own_mutation() {
    spec!("S6", "S5");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE ON CONFLICT ROLLBACK)");
    let t = |id: i64, a: &str| vec![insert("t", Key::of(id), Row::default().with("a", a))];
    let before = bed.head();

    let answers = bed.submit_all(vec![
        submission("d", 1, t(1, "x")),
        submission("e", 1, t(2, "x")),
        submission("d", 2, t(3, "y")),
        submission("e", 2, t(4, "z")),
    ]);

    assert_eq!(outcomes(&answers), [Applied, Refused, Applied, Applied]);
    assert_eq!(bed.head().0, before.0 + 4);
    let again = bed.submit_all(vec![submission("e", 1, t(2, "x"))]);
    assert_eq!(again[0], answers[1]);
    bed.assert_log_tells_the_truth();
}

#[test]
fn a_trigger_that_ends_the_transaction_refuses_with_its_own_words() {
    spec!("S6");
    let bed = Bed::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
         CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.a = 'no' BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END;
         CREATE TRIGGER never BEFORE INSERT ON t WHEN NEW.a = 'never' BEGIN SELECT RAISE(ABORT, 'never this one'); END;
         CREATE TRIGGER quiet BEFORE INSERT ON t WHEN NEW.a = 'quiet' BEGIN SELECT RAISE(IGNORE); END",
    );
    let a = |a: &str| insert("t", Key::of(a.len() as i64), Row::default().with("a", a));

    let problem = refused(&bed, 1, a("no"));
    assert_eq!((problem.code, problem.detail.contains("not this one")), (Code::ConstraintFailed, true));
    let problem = refused(&bed, 2, a("never"));
    assert_eq!((problem.code, problem.detail.contains("never this one")), (Code::ConstraintFailed, true));
    assert_eq!(refused(&bed, 3, a("quiet")).code, Code::ConstraintFailed);
    assert_eq!(bed.submit(4, vec![a("fine")]).outcome, Applied);
    bed.assert_log_tells_the_truth();
}

#[test]
fn a_deferred_foreign_key_refuses_one_mutation_and_not_the_group() {
    spec!("S5");
    let bed = Bed::new(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    );
    let child = |id: i64, p: i64| insert("c", Key::of(id), Row::default().with("p", p));
    let parent = |id: i64| insert("p", Key::of(id), Row::default());

    let answers = bed.submit_all(vec![
        submission("d", 1, vec![child(1, 1), parent(1)]),
        submission("d", 2, vec![child(2, 2)]),
        submission("d", 3, vec![child(3, 1)]),
        submission("d", 4, vec![crate::bed::delete("p", Key::of(1))]),
    ]);

    assert_eq!(outcomes(&answers), [Applied, Refused, Applied, Refused]);
    bed.assert_log_tells_the_truth();
}

#[test]
fn refusals_name_table_columns_and_rule() {
    spec!("P10", "S17");
    let bed = Bed::new(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
         CREATE TABLE q (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
         CREATE TABLE t (
            id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x', b INTEGER CHECK (b > 0), p INTEGER REFERENCES p,
            c TEXT COLLATE NOCASE UNIQUE, code TEXT REFERENCES p (code), q1 INTEGER, q2 INTEGER, UNIQUE (a, b),
            CONSTRAINT a_is_short CHECK (length(a) <= 5), FOREIGN KEY (q1, q2) REFERENCES q (a, b)) STRICT;
         CREATE UNIQUE INDEX t_lower ON t (lower(c), b)",
    );
    bed.submit(1, vec![insert("p", Key::of(1), Row::default().with("code", "one"))]);
    let first = Row::default().with("b", 1).with("c", "secret").with("p", 1).with("code", "one");
    assert_eq!(bed.submit(2, vec![insert("t", Key::of(1), first)]).outcome, Applied);
    let t = |set: Row| insert("t", Key::of(2), set);
    let (null, set) = (swain_core::Value::Null, Row::default());

    let cases = [
        (t(set.clone().with("a", null)), Code::NotNull, ("t", "a", "NOT NULL")),
        (t(set.clone().with("b", 0)), Code::CheckFailed, ("t", "b", "b > 0")),
        (t(set.clone().with("a", "longer")), Code::CheckFailed, ("t", "a", "a_is_short")),
        (t(set.clone().with("b", 1)), Code::Duplicate, ("t", "a b", "UNIQUE")),
        (t(set.clone().with("c", "SECRET")), Code::Duplicate, ("t", "c", "UNIQUE")),
        (t(set.clone().with("p", 9)), Code::ForeignKey, ("t", "p", "REFERENCES p (id)")),
        (t(set.clone().with("p", 1).with("code", "two")), Code::ForeignKey, ("t", "code", "REFERENCES p (code)")),
        (t(set.clone().with("q1", 1).with("q2", 2)), Code::ForeignKey, ("t", "q1 q2", "REFERENCES q (a, b)")),
        (update("t", Key::of(1), set.clone().with("p", 9)), Code::ForeignKey, ("t", "p", "REFERENCES p (id)")),
        (t(set.clone().with("b", "word")), Code::WrongType, ("t", "b", "INTEGER")),
        (update("p", Key::of(1), set.with("code", "2")), Code::ForeignKey, ("t", "code", "REFERENCES p (code)")),
        (crate::bed::delete("p", Key::of(1)), Code::ForeignKey, ("t", "", "REFERENCES p")),
    ];
    for (n, (operation, code, (table, columns, rule))) in (3..).zip(cases) {
        let problem = refused(&bed, n, operation);

        assert_eq!(problem.code, code, "{problem}");
        let constraint = problem.constraint.as_ref().unwrap_or_else(|| panic!("{problem} names no rule"));
        let named: Vec<&str> = constraint.columns.iter().map(|column| column.as_str()).collect();
        assert_eq!(constraint.table.as_str(), table, "{problem}");
        assert!(constraint.rule.starts_with(rule), "{problem}: {constraint:?}");
        // A row that two keys refer to is held by either.
        assert!(columns.is_empty() || named == columns.split(' ').collect::<Vec<_>>(), "{problem}: {constraint:?}");
        assert!(!format!("{problem:?}").to_lowercase().contains("secret"), "{problem:?}");
    }
}

#[test]
fn a_foreign_key_that_a_later_check_finds_broken_is_named_too() {
    spec!("S17", "S5");
    let bed = Bed::new(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE o (id INTEGER PRIMARY KEY);
         CREATE TABLE c (id INTEGER PRIMARY KEY, o INTEGER REFERENCES o DEFERRABLE INITIALLY DEFERRED,
                         p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    );
    let child = |id: i64, o: i64, p: i64| insert("c", Key::of(id), Row::default().with("o", o).with("p", p));
    let parents = vec![insert("p", Key::of(1), Row::default()), insert("o", Key::of(1), Row::default())];
    assert_eq!(bed.submit(1, parents).outcome, Applied);

    let named = |n, operations| {
        let result = bed.submit(n, operations);
        let constraint = result.problem.and_then(|problem| problem.constraint).expect("a refusal names its rule");
        format!("{}.{} {}", constraint.table, constraint.columns[0], constraint.rule)
    };
    assert_eq!(named(2, vec![child(1, 1, 7)]), "c.p REFERENCES p (id)");
    assert_eq!(named(3, vec![child(1, 7, 1)]), "c.o REFERENCES o (id)");
    assert_eq!(bed.submit(4, vec![child(1, 1, 1)]).outcome, Applied);
    assert_eq!(named(5, vec![crate::bed::delete("o", Key::of(1))]), "c.o REFERENCES o (id)");
    bed.assert_log_tells_the_truth();
}

#[test]
fn an_expression_of_the_schema_that_fails_refuses_the_mutation() {
    spec!("S5");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT AS (json_extract(a, '$.b')) STORED)");

    let problem = refused(&bed, 1, insert("t", Key::of(1), Row::default().with("a", "{not json")));

    assert_eq!(problem.code, Code::ConstraintFailed);
    assert_eq!(bed.submit(2, vec![insert("t", Key::of(1), Row::default().with("a", "{}"))]).outcome, Applied);
}

#[test]
fn conflict_clauses_of_the_schema_are_kept() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE r (id INTEGER PRIMARY KEY, a TEXT UNIQUE ON CONFLICT REPLACE);
         CREATE TABLE i (id INTEGER PRIMARY KEY, a TEXT UNIQUE ON CONFLICT IGNORE)",
    );
    let row = |table: &str, id: i64| insert(table, Key::of(id), Row::default().with("a", "x"));

    assert_eq!(bed.submit(1, vec![row("r", 1), row("i", 1)]).outcome, Applied);
    assert_eq!(bed.submit(2, vec![row("r", 2)]).outcome, Applied);
    assert_eq!(refused(&bed, 3, row("i", 2)).code, Code::ConstraintFailed);
    assert_eq!(bed.submit(4, vec![update("r", Key::of(2), Row::default().with("a", "y"))]).outcome, Applied);

    assert_eq!(bed.table("r").len(), 1);
    bed.assert_log_tells_the_truth();
}

fn refused(bed: &Bed, n: u64, operation: Operation) -> Problem {
    let result = bed.submit(n, vec![operation]);
    assert_eq!(result.outcome, Refused);
    result.problem.unwrap()
}

#[test]
fn a_full_disk_attempts_nothing_and_heals() {
    spec!("S2", "S5");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
    let row = |id: i64| insert("t", Key::of(id), Row::default().with("a", "x".repeat(20_000).as_str()));
    let head = bed.head();
    ready(bed.store.execute_outside("PRAGMA max_page_count = 1")).unwrap();

    let answers = bed.submit_all((1..=3).map(|n| submission("d", n, vec![row(n.cast_signed())])).collect());
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Answer::NotAttempted(problem) if problem.code == Code::StorageFull))
    );
    assert_eq!(bed.head(), head);

    ready(bed.store.execute_outside("PRAGMA max_page_count = 1000000")).unwrap();
    let answers = bed.submit_all((1..=3).map(|n| submission("d", n, vec![row(n.cast_signed())])).collect());
    assert_eq!(outcomes(&answers), [Applied, Applied, Applied]);
    bed.assert_log_tells_the_truth();
}
