//! Whatever another program does, the log tells it; whatever predicate there is, SQL means what memory means.

use crate::bed::Bed;
use swain_core::rule::{Expression, Operand};
use swain_core::{Row, Value};
use swain_store::{Store, ready};
use swain_testkit::spec;

pub(crate) const TABLES: &str = "
    CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT UNIQUE, y INTEGER, n INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE b (x TEXT COLLATE NOCASE, y INTEGER, z TEXT, PRIMARY KEY (x, y)) WITHOUT ROWID;
    CREATE TABLE c (id TEXT PRIMARY KEY, x TEXT, y INTEGER, z INTEGER AS (y * 10) STORED);
    CREATE UNIQUE INDEX c_lower ON c (lower(x));
    CREATE UNIQUE INDEX c_z ON c (z) WHERE z > 20;
    CREATE TRIGGER a_touch AFTER UPDATE ON a BEGIN UPDATE a SET n = n + 1 WHERE id = NEW.id; END;
";

/// Younger than Swain's, so they run first.
const YOUNG_TRIGGERS: &str = "
    CREATE TRIGGER a_lower AFTER INSERT ON a BEGIN UPDATE a SET x = lower(x) WHERE id = NEW.id; END;
    CREATE TRIGGER c_mirror AFTER INSERT ON c BEGIN INSERT OR IGNORE INTO b VALUES (NEW.x, NEW.y, NEW.id); END;
    CREATE TRIGGER b_gone AFTER DELETE ON b WHEN OLD.y = 3 BEGIN DELETE FROM c WHERE x = OLD.x; END;
    CREATE TRIGGER c_before BEFORE UPDATE ON c BEGIN UPDATE a SET y = NEW.y WHERE id = NEW.y; END;
";

#[test]
fn after_any_statements_the_log_is_the_table() {
    spec!("S3");
    for seed in 1..=60 {
        let mut random = Random(seed);
        let bed = Bed::new(TABLES);
        bed.outside.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF").unwrap();
        if seed % 2 == 0 {
            bed.outside.execute_batch(YOUNG_TRIGGERS).unwrap();
        }
        if seed % 3 == 0 {
            bed.outside.execute_batch("PRAGMA recursive_triggers = ON; DROP TRIGGER a_touch").unwrap();
            bed.outside.execute_batch("DROP TRIGGER IF EXISTS a_lower").unwrap();
        }
        let mut history = Vec::new();
        for _ in 0..80 {
            let sql = statement(&mut random);
            // Many fail by a constraint: what they had written by then counts as well.
            let outcome = bed.outside.execute_batch(&sql);
            history.push(format!("{sql} -- {outcome:?}"));
            if random.below(4) == 0 && bed.outside.is_autocommit() {
                bed.write("");
            }
        }
        bed.outside.execute_batch("COMMIT").ok();
        bed.write("");

        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bed.assert_log_tells_the_truth()));
        assert!(told.is_ok(), "seed {seed}:\n{}", history.join("\n"));
    }
}

pub(crate) fn statement(random: &mut Random) -> String {
    let x = random.pick(&["'p'", "'P'", "'q'", "'r'", "NULL", "x'00'", "1"]);
    let y = random.pick(&["1", "2", "3", "4", "NULL"]);
    let id = random.pick(&["1", "2", "3", "4"]);
    let or = random.pick(&["", "", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT"]);
    let filter = random.pick(&["", &format!(" WHERE y = {y}"), &format!(" WHERE x = {x}")]);
    let table = random.pick(&["a", "b", "c"]);
    match random.below(12) {
        0 | 1 => format!("INSERT{or} INTO a (id, x, y) VALUES ({id}, {x}, {y})"),
        // Without OR FAIL: a drawn rowid is noted AFTER, and a younger trigger that fails keeps the row and skips ours.
        2 => format!("INSERT{} INTO a (x, y) VALUES ({x}, {y}), ('s', {y})", or.replace(" OR FAIL", "")),
        3 | 4 => format!("INSERT{or} INTO b VALUES ({x}, {y}, 'z{id}')"),
        5 | 6 => format!("INSERT{or} INTO c (id, x, y) VALUES ('k{id}', {x}, {y})"),
        7 => format!("UPDATE{or} {table} SET y = {id}{filter}"),
        8 => format!("UPDATE{or} {table} SET x = {x}{filter}"),
        9 => format!("DELETE FROM {table}{filter}"),
        10 => random.pick(&[
            &format!("UPDATE{or} a SET id = id + {id}{filter}"),
            &format!("UPDATE{or} c SET id = 'k' || y, x = {x}{filter}"),
            &format!("INSERT INTO a (id, x, y) VALUES ({id}, {x}, 1) ON CONFLICT DO UPDATE SET y = y + 1"),
        ]),
        _ => random.pick(&["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"]),
    }
}

#[test]
fn predicates_mean_the_same_in_sql_and_in_memory() {
    spec!("R2", "R3");
    let columns = [
        "t TEXT",
        "n TEXT COLLATE NOCASE",
        "i INTEGER",
        "r REAL",
        "b BOOLEAN",
        "j JSON",
        "d DECIMAL",
        "x BLOB",
        "e DATE",
        "u",
    ];
    let bed = Bed::new(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, {}); CREATE INDEX t_i ON t (i); CREATE INDEX t_n ON t (n)",
        columns.join(", ")
    ));
    let mut random = Random(1);
    for id in 0..200 {
        let values: Vec<_> = columns.iter().map(|_| stored(&mut random)).collect();
        bed.outside.execute_batch(&format!("INSERT INTO t VALUES ({id}, {})", values.join(", "))).unwrap();
    }
    bed.write("");
    let rows: Vec<Row> = bed.table("t").into_values().collect();
    let values: Vec<Value> = rows.iter().flat_map(|row| row.0.values().cloned()).collect();
    let mut granted = 0;

    for round in 0..3_000 {
        let expression = expression(&mut random, &values, 3);
        let expected: Vec<_> = rows.iter().filter(|row| expression.grants(row)).cloned().collect();

        let chunk = ready(bed.store.load("t".into(), expression.clone(), None, 1_000)).unwrap();

        assert_eq!(chunk.rows, expected, "round {round}: {expression:?}");
        assert_eq!(ready(bed.store.estimate("t".into(), expression)).unwrap(), expected.len() as u64);
        granted += expected.len();
    }
    assert!(granted > 10_000, "the expressions are not all false");
}

fn stored(random: &mut Random) -> String {
    random.pick(&[
        "NULL",
        "''",
        "'a'",
        "'A'",
        "'1'",
        "'1.0'",
        "'true'",
        "'null'",
        "'{\"a\":1}'",
        "'{ \"a\" : 1 }'",
        "'[1]'",
        "'\"a\"'",
        "'Infinity'",
        "'YQ=='",
        "'9223372036854775807'",
        "'9007199254740993'",
        "0",
        "1",
        "-1",
        "2",
        "1.5",
        "9007199254740991",
        "9007199254740993",
        "9223372036854775807",
        "9e999",
        "-9e999",
        "1e300",
        "0.1",
        "9223372036854775807.0",
        "x''",
        "x'61'",
        "x'00ff'",
        "'ä'",
        "CAST(x'00' AS TEXT)",
        "CAST(x'ff61' AS TEXT)",
        "x'ff61'",
        "'AA=='",
        "'2024-02-29'",
    ])
}

fn expression(random: &mut Random, values: &[Value], depth: usize) -> Expression {
    let parts = |random: &mut Random| {
        let count = random.below(4);
        (0..count).map(|_| expression(random, values, depth - 1)).collect()
    };
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 | 1 => Expression::Equal(operand(random, values), operand(random, values)),
        2 => Expression::Differs(operand(random, values), operand(random, values)),
        3 => {
            let count = random.below(4);
            Expression::In(operand(random, values), (0..count).map(|_| value(random, values)).collect())
        }
        4 => Expression::IsNull(operand(random, values)),
        5 => Expression::And(parts(random)),
        6 => Expression::Or(parts(random)),
        _ => Expression::Not(Box::new(expression(random, values, depth - 1))),
    }
}

fn operand(random: &mut Random, values: &[Value]) -> Operand {
    match random.below(10) {
        0..=5 => Operand::Column(
            random.pick(&["t", "n", "i", "r", "b", "j", "d", "x", "e", "u", "id", "none"]).as_str().into(),
        ),
        6 => Operand::AuthId,
        _ => Operand::Literal(value(random, values)),
    }
}

fn value(random: &mut Random, values: &[Value]) -> Value {
    match random.below(6) {
        0 => Value::Bool(random.below(2) == 0),
        _ => values[random.below(values.len())].clone(),
    }
}

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    pub(crate) fn pick(&mut self, from: &[&str]) -> String {
        from[self.below(from.len())].to_owned()
    }
}
