//! Rules: what SQL grants and what the expression grants in memory are the same rows, whatever the tables hold.

use std::collections::BTreeMap;

use swain_core::rule::{Comparison, Expression, Operand, Selection, is_ordered, resolve_in};
use swain_core::{ColumnType, Key, Name, Operation, Row, RowKey, Schema, Value};

use super::fixture::{Fixture, delete, insert_with};
use super::tables::schema;
use crate::contract::Store;

/// How many rules are compared, for long runs; otherwise the fixture says it.
const CASES_VARIABLE: &str = "SWAIN_RULE_CASES";
/// After so many rules the tables have other rows.
const CASES_OF_ROWS: u64 = 500;
const NOTES: u64 = 12;
const OWNERS: i64 = 5;
/// SELECTs inside one another.
const DEPTH: u64 = 3;

/// Random rules of every form over random rows of every type: comparisons, order, IN, NOT IN with null, memberships up to
/// three deep, letters beyond ASCII. What is not granted and what is denied are told apart: null makes neither.
pub async fn a_rule_means_the_same_in_sql_and_in_memory<S: Store>(fixture: Fixture<S>) {
    let cases = std::env::var(CASES_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(fixture.cases);
    let mut tally = Tally::default();
    for round in 0..cases.div_ceil(CASES_OF_ROWS) {
        let mut random = Random(round);
        fixture.decide("d", round + 1, rows(&mut random, round)).await;
        let mut tables = BTreeMap::new();
        for table in ["notes", "owners"] {
            let rows: Vec<Row> = fixture.table(table).await.into_values().collect();
            tables.insert(Name::from(table), rows);
        }
        for case in 0..CASES_OF_ROWS.min(cases - round * CASES_OF_ROWS) {
            let table = any(&mut random, &["notes", "owners"]);
            let rule = Generator { schema: &schema(), table: table.into() }.rule(&mut random, 3, DEPTH);
            let resolved = resolve_in(&rule, &|name| tables[name].clone());
            let rows = &tables[table];
            let expected: Vec<Row> = rows.iter().filter(|row| resolved.grants(row)).cloned().collect();

            let found = fixture.store.load(table.into(), rule.clone(), None, 100).await.expect("a table can be loaded");
            // A store may grant more in SQL than the expression does, and then asks it; what a load brings is exact.
            assert_eq!(found.rows, expected, "round {round}, case {case}: {rule:?}");
            tally.note(rows, &resolved);
        }
    }
    tally.check(cases);
}

/// How often rules granted, denied and did neither: a generator that only does one shows nothing.
#[derive(Debug, Default)]
struct Tally {
    granted: u64,
    denied: u64,
    unknown: u64,
}

impl Tally {
    fn note(&mut self, rows: &[Row], rule: &Expression) {
        let denied = Expression::Not(Box::new(rule.clone()));
        for row in rows {
            match (rule.grants(row), denied.grants(row)) {
                (true, _) => self.granted += 1,
                (_, true) => self.denied += 1,
                (false, false) => self.unknown += 1,
            }
        }
    }

    fn check(&self, cases: u64) {
        let Self { granted, denied, unknown } = self;
        assert!([granted, denied, unknown].into_iter().all(|count| *count > cases / 2), "{self:?}");
    }
}

// ---- rows ----

/// One mutation that leaves other rows than before.
fn rows(random: &mut Random, round: u64) -> Vec<Operation> {
    let owner = |id: i64| RowKey { table: "owners".into(), key: Key::of(id) };
    let mut operations = Vec::new();
    if round > 0 {
        operations.extend((0..NOTES).map(|id| delete(&note_id(round - 1, id))));
        operations.extend((0..OWNERS).map(|id| Operation::Delete { row: owner(id), seen: None }));
    }
    let owners = (0..OWNERS).map(|id| {
        let set = Row::default().with("name", value(random, ColumnType::Text, false));
        Operation::Insert { row: owner(id), set }
    });
    operations.extend(owners.collect::<Vec<_>>());
    let columns = &schema().tables["notes"].columns;
    for id in 0..NOTES {
        let mut set = Row::default();
        for (name, column) in
            columns.iter().filter(|(name, _)| !["id", "state", "slug", "owner"].contains(&name.as_str()))
        {
            set.0.insert(name.clone(), value(random, column.kind, column.nullable));
        }
        let owner = i64::try_from(random.below(OWNERS.unsigned_abs() + 1)).expect("it is small");
        set.0.insert("owner".into(), if owner < OWNERS { Value::int64(owner) } else { Value::Null });
        set.0.insert("slug".into(), if random.below(3) == 0 { Value::text(format!("s{id}")) } else { Value::Null });
        set.0.insert("state".into(), Value::text(any(random, &["open", "done"])));
        operations.push(insert_with(&note_id(round, id), "T", set));
    }
    operations
}

fn note_id(round: u64, id: u64) -> String {
    format!("{round}-{id}")
}

fn value(random: &mut Random, kind: ColumnType, nullable: bool) -> Value {
    if nullable && random.below(4) == 0 {
        return Value::Null;
    }
    let text = |random: &mut Random, texts: &[&'static str]| Value::text(any(random, texts));
    match kind {
        ColumnType::Int64 => Value::int64(any(random, &[0, 1, 2, 3, -1, 9_007_199_254_740_993])),
        ColumnType::Float64 => Value::number(any(random, &[0.0, 1.0, 1.5, 2.0, -1.0, 1e300])),
        ColumnType::Bool => Value::Bool(random.below(2) == 0),
        ColumnType::Time => text(random, &["2024-02-29", "2024-03-01", "1999-12-31"]),
        ColumnType::Bytes => text(random, &["", "YQ==", "AP8="]),
        ColumnType::Json => any(random, &[Value::List(vec![]), Value::List(vec![Value::Int(1)]), Value::text("a")]),
        _ => text(random, &["", "a", "A", "b", "ä", "Ä", "größer", "1", "2024-02-29", "YQ==", "o'neill"]),
    }
}

// ---- rules ----

/// Makes rules on one table.
struct Generator<'a> {
    schema: &'a Schema,
    table: Name,
}

impl Generator<'_> {
    fn rule(&self, random: &mut Random, depth: u64, selects: u64) -> Expression {
        let part = |random: &mut Random| self.rule(random, depth - 1, selects);
        match random.below(if depth == 0 { 5 } else { 11 }) {
            0 => {
                let (column, kind) = self.column(random);
                Expression::Equal(column, self.operand(random, kind))
            }
            1 => {
                let (column, kind) = self.column(random);
                Expression::Differs(column, self.operand(random, kind))
            }
            2 => self.ordered(random),
            3 => Expression::IsNull(self.column(random).0),
            4 => {
                let (column, kind) = self.column(random);
                Expression::In(column, (0..random.below(4)).map(|_| value(random, kind, true)).collect())
            }
            5 | 6 => Expression::And(vec![part(random), part(random)]),
            7 | 8 => Expression::Or(vec![part(random), part(random)]),
            9 => Expression::Not(Box::new(part(random))),
            _ if selects == 0 => Expression::Constant(random.below(2) == 0),
            _ => self.member(random, depth, selects),
        }
    }

    fn ordered(&self, random: &mut Random) -> Expression {
        let (column, kind) = loop {
            let (column, kind) = self.column(random);
            if is_ordered(kind) {
                break (column, kind);
            }
        };
        let hows = [Comparison::Less, Comparison::LessOrEqual, Comparison::Greater, Comparison::GreaterOrEqual];
        Expression::Compare(column, any(random, &hows), Operand::Literal(value(random, kind, true)), kind)
    }

    /// A column, or nothing in particular, among what another SELECT gives.
    fn member(&self, random: &mut Random, depth: u64, selects: u64) -> Expression {
        let inner = Generator { schema: self.schema, table: any(random, &["notes", "owners"]).into() };
        let condition = inner.rule(random, depth - 1, selects - 1);
        let truth = Operand::Literal(Value::Bool(true));
        let (left, column) = match random.below(5) {
            0 => (Operand::Literal(value(random, ColumnType::Text, true)), inner.column(random).0),
            // EXISTS.
            1 => (truth.clone(), truth),
            _ => (self.column(random).0, inner.column(random).0),
        };
        Expression::Member(left, Box::new(Selection { table: inner.table, column, condition }))
    }

    /// A value of the kind or of another one, or another column.
    fn operand(&self, random: &mut Random, kind: ColumnType) -> Operand {
        match random.below(6) {
            0 => self.column(random).0,
            1 => {
                let (_, other) = self.column(random);
                Operand::Literal(value(random, other, true))
            }
            _ => Operand::Literal(value(random, kind, true)),
        }
    }

    fn column(&self, random: &mut Random) -> (Operand, ColumnType) {
        let columns = &self.schema.tables[&self.table].columns;
        let place = usize::try_from(random.below(columns.len() as u64)).expect("it is small");
        let (name, column) = columns.iter().nth(place).expect("it is a place of the list");
        (Operand::Column(name.clone()), column.kind)
    }
}

// ---- dice ----

/// splitmix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn any<T: Clone>(random: &mut Random, of: &[T]) -> T {
    let place = usize::try_from(random.below(of.len() as u64)).expect("it is small");
    of[place].clone()
}
