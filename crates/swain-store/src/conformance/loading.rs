//! Loads.

use swain_core::rule::{Expression, Operand};
use swain_core::{Key, Row, Value};

use super::fixture::{Fixture, insert, insert_owner, insert_with};
use crate::contract::{LoadChunk, Store};

/// Chunk by chunk the whole table, in key order, nothing twice.
pub async fn a_load_goes_on_behind_the_last_key<S: Store>(fixture: Fixture<S>) {
    let ids = ["b", "d", "a", "e", "c"];
    fixture.decide("d", 1, ids.iter().map(|id| insert(id, "T")).collect()).await;

    for size in 1..=6 {
        let (mut loaded, mut after) = (Vec::new(), None);
        loop {
            let LoadChunk { rows, more, .. } = load(&fixture, "notes", everything(), after, size).await;
            assert!(rows.len() <= size);
            loaded.extend(rows.iter().filter_map(|row| row.value("id").as_text().map(String::from)));
            match more {
                Some(key) => after = Some(key),
                None => break,
            }
        }
        assert_eq!(loaded, ["a", "b", "c", "d", "e"], "in chunks of {size}");
    }
}

/// The log from there on is what the load does not have.
pub async fn a_load_names_the_head_of_its_snapshot<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;

    let chunk = load(&fixture, "notes", everything(), None, 10).await;

    assert_eq!(chunk.head, fixture.head().await);
    assert_eq!(chunk.rows.len(), 1);
}

/// Three-valued, by bytes, for every type.
pub async fn a_load_gives_what_the_predicate_grants<S: Store>(fixture: Fixture<S>) {
    let columns = |score: Value, done: Value, slug: &str| {
        Row::default().with("score", score).with("done", done).with("slug", slug).with("tags", Value::List(vec![]))
    };
    let notes = vec![
        insert_with("a", "x", columns(Value::Int(1), Value::Bool(true), "A")),
        insert_with("b", "X", columns(Value::Null, Value::Bool(false), "a")),
        insert_with("c", "1", columns(Value::Int(0), Value::Null, "1.0")),
    ];
    fixture.decide("d", 1, notes).await;
    let rows = fixture.table("notes").await;

    for predicate in predicates() {
        let granted = load(&fixture, "notes", predicate.clone(), None, 10).await.rows;
        let expected: Vec<Row> = rows.values().filter(|row| predicate.grants(row)).cloned().collect();
        assert_eq!(granted, expected, "{predicate:?}");
    }
}

/// 2 comes before 10.
pub async fn integer_keys_are_in_numeric_order<S: Store>(fixture: Fixture<S>) {
    let ids = [10, 2, -1, 9_007_199_254_740_991];
    fixture.decide("d", 1, ids.iter().map(|id| insert_owner(*id, "O")).collect()).await;

    let first = load(&fixture, "owners", everything(), None, 2).await;
    let second = load(&fixture, "owners", everything(), first.more.clone(), 2).await;

    let ids = |rows: &[Row]| rows.iter().filter_map(|row| row.value("id").as_int()).collect::<Vec<_>>();
    assert_eq!((ids(&first.rows), first.more), (vec![-1, 2], Some(Key::of(2))));
    assert_eq!((ids(&second.rows), second.more), (vec![10, 9_007_199_254_740_991], None));
}

/// For a progress bar.
pub async fn an_estimate_is_near_the_number_of_rows<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, (0..50).map(|index| insert(&format!("n{index}"), "T")).collect()).await;

    let all = fixture.store.estimate("notes".into(), everything()).await.expect("a table can be estimated");
    let none = fixture.store.estimate("notes".into(), Expression::Constant(false)).await;

    assert!((25..=100).contains(&all), "{all} for 50 rows");
    assert!(none.expect("a table can be estimated") <= 100);
}

async fn load<S: Store>(
    fixture: &Fixture<S>,
    table: &str,
    predicate: Expression,
    after: Option<Key>,
    rows_max: usize,
) -> LoadChunk {
    fixture.store.load(table.into(), predicate, after, rows_max).await.expect("a table can be loaded")
}

fn everything() -> Expression {
    Expression::Constant(true)
}

fn predicates() -> Vec<Expression> {
    let column = |name: &str| Operand::Column(name.into());
    let value = |value: Value| Operand::Literal(value);
    let equal = |name, other| Expression::Equal(column(name), value(other));
    let simple = vec![
        equal("title", Value::text("x")),
        equal("title", Value::Int(1)),
        equal("score", Value::Int(1)),
        equal("score", Value::text("1")),
        equal("score", Value::Null),
        equal("done", Value::Bool(true)),
        equal("done", Value::Int(1)),
        equal("tags", Value::List(vec![])),
        equal("nothing", Value::Int(1)),
        Expression::Differs(column("score"), value(Value::Int(1))),
        Expression::Equal(column("title"), column("slug")),
        Expression::In(column("score"), vec![Value::Int(1), Value::Null]),
        Expression::In(column("slug"), vec![Value::text("a"), Value::text("1")]),
        Expression::In(column("slug"), Vec::new()),
        Expression::IsNull(column("score")),
        Expression::Constant(false),
        Expression::And(Vec::new()),
        Expression::Or(Vec::new()),
    ];
    let not = simple.iter().cloned().map(|part| Expression::Not(Box::new(part)));
    let pairs = simple.windows(2).flat_map(|pair| [Expression::And(pair.to_vec()), Expression::Or(pair.to_vec())]);
    not.chain(pairs).chain(simple.iter().cloned()).collect()
}
