//! Rules that look into other tables mean the same in SQL and in memory, whatever the tables hold.

use std::sync::Arc;

use crate::bed::Bed;
use swain_core::rule::{Comparison, Expression, Operand, Selection, resolve_in};
use swain_core::{ColumnType, Row, Value};
use swain_store::{Store, ready};
use swain_testkit::spec;

const CASES: u64 = 20_000;
const ROWS: usize = 10;
const COLUMNS: [(&str, ColumnType); 5] = [
    ("t", ColumnType::Text),
    ("n", ColumnType::Text),
    ("i", ColumnType::Int64),
    ("r", ColumnType::Float64),
    ("d", ColumnType::Time),
];

/// Every round has other rows; every case another rule.
#[test]
fn sql_and_memory_agree_on_memberships_not_in_with_null_and_order() {
    spec!("R3", "R9");
    let columns = "id INTEGER PRIMARY KEY, t TEXT, n TEXT COLLATE NOCASE, i INTEGER, r REAL, d DATE";
    let bed = Bed::new(&format!("CREATE TABLE a ({columns}); CREATE TABLE b ({columns}); CREATE INDEX b_t ON b (t)"));
    bed.outside.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let (mut granted, mut refused, mut unknown) = (0, 0, 0);
    for round in 0..50 {
        let mut random = Random(round);
        let mut sql = String::from("BEGIN; DELETE FROM a; DELETE FROM b;");
        for (table, id) in ["a", "b"].iter().flat_map(|table| (0..ROWS).map(move |id| (table, id))) {
            let values: Vec<_> = COLUMNS.iter().map(|(_, kind)| stored(&mut random, *kind)).collect();
            if random.below(5) > 0 {
                sql.push_str(&format!("INSERT INTO {table} VALUES ({id}, {});", values.join(", ")));
            }
        }
        bed.outside.execute_batch(&format!("{sql} COMMIT")).unwrap();
        bed.write("");
        let tables = |name: &swain_core::Name| -> Vec<Row> { bed.table(name.as_str()).into_values().collect() };
        let (a, b) = (tables(&"a".into()), tables(&"b".into()));
        for case in 0..CASES / 50 {
            let rule = rule(&mut random, 3, 3);
            let resolved = resolve_in(&rule, &|name| if name.as_str() == "a" { a.clone() } else { b.clone() });
            let expected: Vec<Row> = a.iter().filter(|row| resolved.grants(row)).cloned().collect();

            let found = ready(bed.store.load("a".into(), rule.clone(), None, 100)).unwrap().rows;
            assert_eq!(found, expected, "round {round}, case {case}: {rule:?}");
            // Once resolved, it is SQL, too, and means the same.
            if case % 4 == 0 {
                let found = ready(bed.store.load("a".into(), resolved.clone(), None, 100)).unwrap().rows;
                assert_eq!(found, expected, "round {round}, case {case}: {resolved:?}");
            }
            let denied = Expression::Not(Box::new(resolved));
            let not_granted = a.iter().filter(|row| denied.grants(row)).count();
            granted += expected.len();
            refused += not_granted;
            unknown += a.len() - expected.len() - not_granted;
        }
    }
    assert!(
        granted > 5_000 && refused > 5_000 && unknown > 5_000,
        "{granted} granted, {refused} not, {unknown} unknown"
    );
}

#[test]
fn a_set_of_many_values_is_one_parameter() {
    spec!("R3");
    let bed = Bed::new("CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT)");
    bed.write("INSERT INTO a VALUES (1, 'v7'), (2, 'none'), (3, NULL)");
    let values = (0..40_000).map(|number| Value::text(format!("v{number}"))).collect();
    let among = |set| Expression::Among(Operand::Column("t".into()), Arc::new(set));

    let found = ready(bed.store.load("a".into(), among(values), None, 10)).unwrap().rows;

    assert_eq!(found.iter().map(|row| row.value("id").clone()).collect::<Vec<_>>(), [Value::Int(1)]);
}

fn rule(random: &mut Random, depth: usize, selects: usize) -> Expression {
    let kinds = if depth == 0 { 4 } else { 9 };
    match random.below(kinds) {
        0 => Expression::Equal(column(random), literal(random)),
        1 => Expression::Compare(column(random), comparison(random), literal(random), ColumnType::Int64),
        2 => Expression::Compare(column(random), comparison(random), column(random), kind(random)),
        3 => Expression::IsNull(column(random)),
        4 => Expression::And(vec![rule(random, depth - 1, selects), rule(random, depth - 1, selects)]),
        5 => Expression::Or(vec![rule(random, depth - 1, selects), rule(random, depth - 1, selects)]),
        6 => Expression::Not(Box::new(rule(random, depth - 1, selects))),
        _ if selects == 0 => Expression::Constant(random.below(2) == 0),
        _ => member(random, depth, selects),
    }
}

fn member(random: &mut Random, depth: usize, selects: usize) -> Expression {
    let table = if random.below(2) == 0 { "a" } else { "b" };
    let condition = rule(random, depth - 1, selects - 1);
    let (left, column) = match random.below(5) {
        0 => (literal(random), column(random)),
        1 => (Operand::Literal(Value::Bool(true)), Operand::Literal(Value::Bool(true))),
        _ => (column(random), column(random)),
    };
    Expression::Member(left, Box::new(Selection { table: table.into(), column, condition }))
}

fn column(random: &mut Random) -> Operand {
    Operand::Column(COLUMNS[random.below(COLUMNS.len())].0.into())
}

fn kind(random: &mut Random) -> ColumnType {
    [ColumnType::Int64, ColumnType::Float64, ColumnType::Time][random.below(3)]
}

fn comparison(random: &mut Random) -> Comparison {
    [Comparison::Less, Comparison::LessOrEqual, Comparison::Greater, Comparison::GreaterOrEqual][random.below(4)]
}

fn literal(random: &mut Random) -> Operand {
    let literals = [
        Value::Null,
        Value::text("a"),
        Value::text("A"),
        Value::text("ä"),
        Value::text("2024-02-29"),
        Value::text("YQ=="),
        Value::Int(1),
        Value::Int(2),
        Value::number(1.5),
        Value::text("9007199254740993"),
    ];
    Operand::Literal(literals[random.below(literals.len())].clone())
}

fn stored(random: &mut Random, kind: ColumnType) -> String {
    let usual: &[&str] = match kind {
        ColumnType::Int64 => &["NULL", "1", "2", "3", "9007199254740993", "-1"],
        ColumnType::Float64 => &["NULL", "1", "1.5", "2", "9e999", "9007199254740992.0"],
        ColumnType::Time => &["NULL", "'2024-02-29'", "'2024-03-01'", "1", "1.5"],
        _ => &["NULL", "'a'", "'A'", "'b'", "'ä'", "'YQ=='"],
    };
    let odd = ["x'61'", "'1'", "'x'", "x'ff'"];
    if random.below(12) == 0 { odd[random.below(4)].into() } else { usual[random.below(usual.len())].into() }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}
