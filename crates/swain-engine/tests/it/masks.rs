//! Columns that some may not see, claims of the token, and users whose ids are numbers.

use std::collections::BTreeMap;

use swain_core::protocol::{Down, Outcome};
use swain_core::{Key, Row, Schema, Value};
use swain_engine::{Catalog, TableConfig};
use swain_testkit::spec;

use crate::bench::{Bench, Connection, SHAPE_T, everybody, insert, owned, schema, update};

/// Who is no coach sees neither n nor kept; who has no role at all neither.
fn bench() -> Bench {
    let hidden = ["n", "kept"].map(|column| (column.to_owned(), "auth.role <> 'coach'".to_owned()));
    let t = TableConfig { hidden: hidden.into(), unique: vec![vec!["n".into()]], ..everybody() };
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]));
    row_is(&mut bench, "k1", "seen", 41);
    bench
}

fn row_is(bench: &mut Bench, key: &str, a: &str, n: i64) {
    let row = Row::default().with("id", key).with("a", a).with("n", Value::Int(n)).with("kept", "SECRET");
    bench.engine.store().write_outside(bench.now, "t", |rows| drop(rows.insert(Key::of(key), row)));
}

fn heard(connection: &Connection) -> String {
    connection.frames.iter().map(|frame| format!("{frame:?}\n")).collect()
}

#[test]
fn a_hidden_column_is_in_no_row_and_not_in_the_schema() {
    spec!("R12");
    let mut bench = bench();
    let mut coach = bench.connect("cyd/coach", "d-cyd", SHAPE_T);
    let mut ada = bench.connect("ada/athlete", "d-ada", SHAPE_T);
    let mut nobody = bench.connect("ben", "d-ben", SHAPE_T);

    row_is(&mut bench, "k2", "new", 42);
    row_is(&mut bench, "k1", "changed", 43);
    for connection in [&mut coach, &mut ada, &mut nobody] {
        bench.run(connection);
    }

    assert!(heard(&coach).contains("SECRET") && heard(&coach).contains("\"n\""), "{}", heard(&coach));
    for connection in [&ada, &nobody] {
        let heard = heard(connection);
        assert!(heard.contains("changed") && heard.contains("new"), "{heard}");
        assert!(!heard.contains("SECRET") && !heard.contains("\"kept\"") && !heard.contains("\"n\""), "{heard}");
    }
}

#[test]
fn a_change_of_a_hidden_column_alone_is_no_frame() {
    spec!("R12", "R5");
    let mut bench = bench();
    let mut ada = bench.connect("ada/athlete", "d-ada", SHAPE_T);
    let mut coach = bench.connect("cyd/coach", "d-cyd", SHAPE_T);
    ada.frames.clear();
    coach.frames.clear();

    row_is(&mut bench, "k1", "seen", 44);
    bench.run(&mut ada);
    bench.run(&mut coach);

    assert_eq!(ada.story(), [""; 0]);
    assert_eq!(coach.story(), ["p3 acked=0 patch [\"k1\"] {\"n\":44}"]);
}

#[test]
fn what_changes_during_a_load_is_told_without_it() {
    spec!("R12");
    let mut bench = bench();
    let mut ada = bench.open("ada/athlete", "d-ada", SHAPE_T);
    while !ada.frames.iter().any(|frame| matches!(frame, Down::Load(_))) {
        assert!(bench.step(&mut ada));
    }

    row_is(&mut bench, "k2", "meanwhile", 45);
    bench.run(&mut ada);

    assert!(heard(&ada).contains("meanwhile") && !heard(&ada).contains("SECRET"), "{}", heard(&ada));
}

#[test]
fn a_hidden_column_is_answered_like_one_that_is_not_there() {
    spec!("R12", "S17");
    let mut bench = bench();
    let mut ada = bench.connect("ada/athlete", "d-ada", SHAPE_T);
    let key = r#""table":"t","key":["k1"]"#;
    let ways = |column: &str| {
        [
            update("k1", column, "1", "2"),
            format!(r#"{{"update":{{{key},"inc":{{"{column}":1}}}}}}"#),
            format!(r#"{{"update":{{{key},"add":{{"{column}":[1]}}}}}}"#),
            format!(r#"{{"insert":{{"table":"t","key":["k9"],"set":{{"a":"x","{column}":1}}}}}}"#),
            format!(r#"{{"insert":{{"table":"t","key":[9],"set":{{"a":"x","{column}":1}}}}}}"#),
            format!(r#"{{"upsert":{{"table":"t","key":["k9"],"on":["{column}"],"set":{{"a":"x"}}}}}}"#),
        ]
    };

    let mut n = 0;
    let mut said = |column: &str| -> Vec<String> {
        let answers = ways(column).into_iter().map(|ops| {
            n += 1;
            let result = bench.push(&mut ada, n, &ops);
            assert_eq!(result.outcome, Outcome::Refused);
            let problem = format!("{:?}", result.problem.expect("it is refused"));
            let named = [format!("'{column}'"), format!("({column})"), format!(".{column}\"")];
            named.iter().fold(problem, |text, name| text.replace(name, "COLUMN"))
        });
        answers.collect()
    };

    assert_eq!(said("n"), said("nix"));
}

#[test]
fn a_rule_of_the_database_does_not_tell_of_it() {
    spec!("R12", "S17");
    let mut bench = bench();
    let mut coach = bench.connect("cyd/coach", "d-cyd", SHAPE_T);
    let told = bench.push(&mut coach, 1, &update("k1", "n", "41", "100"));
    assert!(format!("{told:?}").contains("n_small"), "{told:?}");

    // What is hidden may stand in the way of what is not.
    bench.engine.store().write_outside(bench.now, "t", |rows| {
        rows.get_mut(&Key::of("k1")).expect("it is there").set("n", Value::Int(100));
    });
    let mut ada = bench.connect("ada/athlete", "d-ada", SHAPE_T);
    let hidden = bench.push(&mut ada, 1, &update("k1", "a", "\"seen\"", "\"x\""));

    assert_eq!(hidden.outcome, Outcome::Refused);
    let said = format!("{hidden:?}");
    assert!(!said.contains("n_small") && !said.contains("constraint: Some"), "{said}");
}

#[test]
fn a_filter_does_not_reach_it() {
    spec!("R12", "R6");
    let mut bench = bench();
    let filter = |column: &str| {
        format!(r#""shapes":[{{"table":"t","where":{{"and":[{{"eq":["b","x"]}},{{"eq":["{column}",41]}}]}}}}]"#)
    };

    let mut said = |user: &str, column: &str| {
        let device = format!("d-{}", user.replace('/', "-"));
        heard(&bench.connect(user, &device, &filter(column))).replace(&format!("'{column}'"), "'COLUMN'")
    };

    let hidden = said("ada/athlete", "n");
    assert!(hidden.contains("'COLUMN'"), "{hidden}");
    assert_eq!(hidden, said("ben/athlete", "nix"));
    assert!(said("cyd/coach", "n").contains("Welcome"));
}

#[test]
fn another_role_brings_the_column_and_takes_it() {
    spec!("R12", "R7");
    let mut bench = bench();
    let coach = bench.connect("ada/coach", "d-ada", SHAPE_T);
    let cursor = coach.cursor();

    let ada = bench.connect("ada/athlete", "d-ada", &format!(r#"{SHAPE_T},"schema":1,"cursor":"{cursor}""#));
    let schemas: Vec<&Schema> = ada.frames.iter().filter_map(schema_of).collect();

    assert_eq!(schemas.len(), 1, "the device learns that there is no such column any more");
    assert!(!schemas[0].tables["t"].columns.contains_key("n"));
    assert!(ada.frames.iter().any(|frame| matches!(frame, Down::LoadEnd(_))), "and its rows are loaded without it");
    assert!(!heard(&ada).contains("SECRET"));
}

fn schema_of(frame: &Down) -> Option<&Schema> {
    match frame {
        Down::Welcome(welcome) => welcome.schema.as_ref(),
        _ => None,
    }
}

#[test]
fn a_mask_that_cannot_be_stops_the_start_with_its_place() {
    spec!("R12");
    let wrong = |column: &str, mask: &str, read: &str| -> String {
        let hidden = BTreeMap::from([(column.to_owned(), mask.to_owned())]);
        let t = TableConfig { hidden, read: Some(read.into()), ..TableConfig::default() };
        let tables = BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), TableConfig::default())]);
        Catalog::new(schema(), &tables).expect_err("it is wrong").to_string()
    };

    let message = wrong("n", "auth.role = 'x' AND b = 'p'", "true");
    assert!(message.starts_with("[tables.t] hidden.n = \"auth.role = 'x' AND b = 'p'\"\n"), "{message}");
    let caret = message.lines().nth(1).expect("a caret").find('^');
    assert_eq!(caret, message.lines().next().expect("a line").find("b = 'p'"));
    assert!(message.contains("by who asks alone"), "{message}");
    assert!(wrong("n", "auth.id IN (SELECT owner FROM u)", "true").contains("by who asks alone"));
    assert!(wrong("nix", "true", "true").contains("no column 'nix'"));
    assert!(wrong("id", "true", "true").contains("belongs to the key"));
    assert!(wrong("b", "true", "b = auth.id").contains("the read rule of the table compares it"));
}

#[test]
fn a_number_of_a_user_is_compared_with_numbers() {
    spec!("R13");
    let rule = "n = auth.id OR n IN (SELECT n FROM t WHERE auth.uid() = n)";
    let t = TableConfig {
        read: Some(rule.into()),
        write: Some("n = auth.id".into()),
        fill: BTreeMap::from([("n".to_owned(), "auth.id".to_owned())]),
        ..TableConfig::default()
    };
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]));
    row_is(&mut bench, "k7", "hers", 7);
    row_is(&mut bench, "k8", "another's", 8);

    let mut seven = bench.connect("7", "d-7", SHAPE_T);
    let made = bench.push(&mut seven, 1, &insert("mine", "x"));

    assert_eq!(made.outcome, Outcome::Applied);
    assert_eq!(bench.row("t", "mine").expect("it is there").value("n"), &Value::Int(7));
    let said = heard(&seven);
    assert!(said.contains("hers") && said.contains("mine") && !said.contains("another's"), "{said}");
    for nobody in ["07", "+7", "7.0", "ada", ""] {
        let connection = bench.connect(nobody, &format!("d-of-{nobody}"), SHAPE_T);
        assert!(!heard(&connection).contains("hers"), "{nobody}");
    }
}

#[test]
fn the_claims_that_rules_ask_for_are_known() {
    spec!("R14");
    let t = TableConfig {
        read: Some("b = auth.claims.team OR b IN (SELECT a FROM u WHERE owner = auth.claims.club)".into()),
        hidden: BTreeMap::from([("n".to_owned(), "auth.claims.level = 'junior'".to_owned())]),
        ..TableConfig::default()
    };
    let bench = Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]));

    let claims: Vec<String> = bench.engine.catalog().claims().iter().map(ToString::to_string).collect();

    assert_eq!(claims, ["club", "level", "team"]);
}
