//! Types that real schemas have: each value comes back as it went, in the table, in a load and in the log, and a
//! predicate means in SQL what it means in memory.

use swain_core::protocol::Outcome;
use swain_core::rule::{Comparison, Expression, Operand, Selection, resolve_in};
use swain_core::{ColumnType, Key, Operation, Row, RowKey, Value};
use swain_postgres::{LeftOut, PostgresOptions, Remark, survey};
use swain_store::Store as _;
use swain_testkit::{postgres, spec};

use crate::bed::{Bed, insert, runtime, submission, update};

const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE TABLE t (
        id int PRIMARY KEY, i2 smallint, i4 int, i8 bigint, r4 real, r8 double precision, num numeric, num2 numeric(10, 2),
        b boolean, tx text, vc varchar(10), ch char(5), u uuid, by bytea, d date, ti time, ts timestamp, tz timestamptz,
        iv interval, j json, jb jsonb, m mood, p positive, ints bigint[], texts text[], nums numeric[], moods mood[],
        span int4range, ip inet, gen int GENERATED ALWAYS AS (i2 * 2) STORED);";

#[test]
fn values_of_every_type_come_back_as_they_went() {
    spec!("V1", "V7");
    let bed = Bed::new(TYPES);
    let list = |values: &[Value]| Value::List(values.to_vec());
    let values = [
        ("i2", Value::Int(-32768)),
        ("i4", Value::Int(2_147_483_647)),
        ("i8", Value::text("9223372036854775807")),
        ("i8", Value::Int(9_007_199_254_740_991)),
        ("r4", Value::Float(0.1)),
        ("r8", Value::Float(1e300)),
        ("r8", Value::text("-Infinity")),
        ("num", Value::text("12345678901234567890123456789.100")),
        ("num", Value::text("NaN")),
        ("num2", Value::text("1.50")),
        ("b", Value::Bool(false)),
        ("tx", Value::text("ü € 😀 \" \\ \n\u{1}")),
        ("tx", Value::text("")),
        ("vc", Value::text("0123456789")),
        ("ch", Value::text("ab   ")),
        ("u", Value::text("6f1e9c0a-0000-4000-8000-00000000000a")),
        ("by", Value::text("AP8=")),
        ("d", Value::text("2024-02-29")),
        ("d", Value::text("infinity")),
        ("ti", Value::text("23:59:59.999999")),
        ("ts", Value::text("2024-02-29T12:00:00.123456")),
        ("tz", Value::text("2024-02-29T12:00:00+00:00")),
        ("iv", Value::text("P1Y2M3DT4H5M6.5S")),
        ("j", list(&[Value::Int(1), Value::Null, Value::text("x")])),
        ("jb", Value::Object([("a".into(), Value::Float(1.5))].into())),
        ("m", Value::text("ok")),
        ("p", Value::Int(7)),
        ("ints", list(&[Value::text("9223372036854775807"), Value::Null, Value::Int(-1)])),
        ("ints", list(&[list(&[Value::Int(1), Value::Int(2)]), list(&[Value::Int(3), Value::Int(4)])])),
        ("texts", list(&[Value::text("a,\"b\" \\ {}"), Value::text("NULL"), Value::text("")])),
        ("nums", list(&[Value::text("1.10")])),
        ("moods", list(&[Value::text("sad")])),
        ("span", Value::text("[1,5)")),
        ("ip", Value::text("10.0.0.1")),
    ];
    for (n, (column, value)) in (1_u64..).zip(values) {
        let id = i64::try_from(n).unwrap();
        let set = Row::default().with(column, value.clone());

        let result = bed.submit(submission(n, vec![insert("t", Key::of(id), set)]));

        assert_eq!(result.outcome, Outcome::Applied, "{column} {value:?}: {:?}", result.problem);
        let row = bed.table("t").remove(&Key::of(id)).unwrap();
        assert_eq!(row.value(column), &value, "{column}");
        assert_eq!(bed.newest()[0].after.as_ref(), Some(&row), "the log says the same");
    }
    // Another program's session shows dates and bytes in its own way; the log does not.
    bed.write(
        "SET datestyle = 'German'; SET timezone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET extra_float_digits = -3;
         SET intervalstyle = 'sql_standard';
         INSERT INTO t (id, tz, d, by, r8, iv) VALUES (1000, '29.02.2024 12:00:00+00', '29.02.2024', '\\x00ff', 0.1, '1 day')",
    );
    bed.assert_log_tells_the_truth();
}

/// Types that have no form of their own for devices: their text goes there and back.
#[test]
fn values_of_the_rarer_types_come_back_as_they_went() {
    spec!("V1", "V7");
    let types = [
        ("tsrange", "[\"2024-01-01 00:00:00\",\"2024-01-02 00:00:00.5\")"),
        ("daterange", "[2024-01-01,infinity)"),
        ("numrange", "(1.10,)"),
        ("int4multirange", "{[1,3),[5,7)}"),
        ("citext", "Ab € \\"),
        ("text_domain", "within"),
        ("varbit", "10110"),
        ("money", "-$1,234.50"),
        ("macaddr", "08:00:2b:01:02:03"),
        ("cidr", "10.1.0.0/16"),
        ("point", "(1.5,-2)"),
        ("tsvector", "'a':1 'fat':2B"),
        ("tsquery", "'a' & !'b'"),
        ("pg_lsn", "16/B374D848"),
        ("jsonpath", "$.\"a\"[*]?(@ > 1)"),
        ("\"char\"", "x"),
        ("name", "a name"),
        ("timetz", "12:00:00.5+02"),
        ("xid8", "9223372036854775807"),
    ];
    let columns: Vec<_> =
        types.iter().zip(0..).map(|((kind, _), place)| format!("c{place} {kind}, l{place} {kind}[]")).collect();
    let bed = Bed::new(&format!(
        "CREATE EXTENSION citext; CREATE DOMAIN text_domain AS text CHECK (length(VALUE) < 10);
         CREATE TABLE t (id int PRIMARY KEY, {})",
        columns.join(", ")
    ));
    for ((n, place), (kind, text)) in (1_u64..).zip(0..).zip(types) {
        let id = i64::try_from(n).unwrap();
        let list = Value::List(vec![Value::text(text), Value::Null, Value::text(text)]);
        let (one, many) = (format!("c{place}"), format!("l{place}"));
        let set = Row::default().with(one.as_str(), Value::text(text)).with(many.as_str(), list.clone());

        let result = bed.submit(submission(n, vec![insert("t", Key::of(id), set)]));

        assert_eq!(result.outcome, Outcome::Applied, "{kind}: {:?}", result.problem);
        let row = bed.table("t").remove(&Key::of(id)).unwrap();
        assert_eq!((row.value(&one), row.value(&many)), (&Value::text(text), &list), "{kind}");
        assert_eq!(bed.newest()[0].after.as_ref(), Some(&row), "the log says the same of {kind}");
        // Another program's value is told as the same.
        bed.write(&format!("UPDATE t SET c{place} = NULL WHERE id = {id}"));
        bed.write(&format!("UPDATE t SET c{place} = l{place}[1] WHERE id = {id}"));
        assert_eq!(bed.newest()[0].after.as_ref(), Some(&row), "{kind}");
    }
    bed.assert_log_tells_the_truth();
}

/// Rows are found, paged, changed and removed by keys of any type, in any schema, under any name, and in parts of a table.
#[test]
fn keys_of_every_type_name_their_rows() {
    spec!("V1", "P5");
    let text = Value::text;
    let keys = [
        ("id bigint", vec![text("9223372036854775807")], vec![Value::Int(-1)]),
        ("id numeric", vec![text("1.50")], vec![text("12345678901234567890.5")]),
        (
            "id uuid",
            vec![text("6f1e9c0a-0000-4000-8000-00000000000a")],
            vec![text("00000000-0000-4000-8000-00000000000a")],
        ),
        ("id date", vec![text("2024-02-29")], vec![text("infinity")]),
        ("id timestamptz", vec![text("2024-02-29T12:00:00+00:00")], vec![text("2024-02-29T12:00:00.000001+00:00")]),
        ("id mood", vec![text("ok")], vec![text("sad")]),
        ("id citext", vec![text("Ab")], vec![text("b")]),
        ("id char(5)", vec![text("ab   ")], vec![text("b    ")]),
        ("id bytea", vec![text("AP8=")], vec![text("AA==")]),
        ("id boolean", vec![Value::Bool(true)], vec![Value::Bool(false)]),
        ("id int4range", vec![text("[1,5)")], vec![text("empty")]),
        ("id bigserial", vec![Value::Int(7)], vec![Value::Int(8)]),
        ("id int GENERATED ALWAYS AS IDENTITY", vec![Value::Int(7)], vec![Value::Int(8)]),
        ("id int, \"Part 2\" text", vec![Value::Int(1), text("a,\"b\"")], vec![Value::Int(1), text("")]),
    ];
    let mut sql =
        String::from("CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE SCHEMA \"My Shop\";");
    for ((columns, ..), place) in keys.iter().zip(0..) {
        let key = if columns.contains(',') { "id, \"Part 2\"" } else { "id" };
        sql.push_str(&format!(
            "CREATE TABLE \"My Shop\".\"t {place}\" ({columns}, \"select\" text, PRIMARY KEY ({key}))"
        ));
        sql.push_str(if place % 2 == 0 { ";" } else { " PARTITION BY HASH (id);" });
        if place % 2 == 1 {
            for part in 0..2 {
                sql.push_str(&format!(
                    "CREATE TABLE \"t {place} {part}\" PARTITION OF \"My Shop\".\"t {place}\" FOR VALUES WITH (modulus 2, remainder {part});"
                ));
            }
        }
    }
    let bed = Bed::new(&sql);
    let mut n = 0;
    for ((columns, first, second), place) in keys.into_iter().zip(0..) {
        let table = format!("My Shop.t {place}");
        let (first, second) = (Key(first), Key(second));
        let mut submit = |operation| {
            n += 1;
            let result = bed.submit(submission(n, vec![operation]));
            assert_eq!(result.outcome, Outcome::Applied, "{columns}: {:?}", result.problem);
        };
        for key in [&first, &second] {
            submit(insert(&table, key.clone(), Row::default().with("select", "new")));
        }
        submit(update(&table, first.clone(), Row::default().with("select", "changed")));
        let rows = bed.table(&table);
        assert_eq!(rows.len(), 2, "{columns}: {rows:?}");
        assert_eq!(rows[&first].value("select"), &text("changed"), "{columns}");
        let page =
            runtime().block_on(bed.store.load(table.as_str().into(), Expression::Constant(true), None, 1)).unwrap();
        let rest = bed.store.load(table.as_str().into(), Expression::Constant(true), page.more, 9);
        assert_eq!((page.rows.len(), runtime().block_on(rest).unwrap().rows.len()), (1, 1), "{columns}");
        let gone = RowKey { table: table.as_str().into(), key: second.clone() };
        submit(Operation::Delete { row: gone, seen: None });
        assert_eq!(bed.newest()[0].row.key, second, "{columns}");
        assert_eq!(bed.table(&table).len(), 1, "{columns}");
    }
    bed.assert_log_tells_the_truth();
}

#[test]
fn what_does_not_fit_is_refused_with_its_code() {
    spec!("P10");
    use swain_core::Code;
    let bed = Bed::new(TYPES);
    let wrong = [
        ("i2", Value::Int(40_000), Code::NumberOutOfRange),
        ("u", Value::text("no uuid"), Code::WrongType),
        ("d", Value::text("2024-13-01"), Code::WrongType),
        ("vc", Value::text("01234567890"), Code::ConstraintFailed),
        ("p", Value::Int(-1), Code::CheckFailed),
        ("m", Value::text("glad"), Code::WrongType),
        ("gen", Value::Int(1), Code::ConstraintFailed),
    ];
    for (n, (column, value, code)) in (1_u64..).zip(wrong) {
        let set = Row::default().with(column, value);
        let result = bed.submit(submission(n, vec![insert("t", Key::of(1), set)]));
        assert_eq!(result.problem.map(|problem| problem.code), Some(code), "{column}");
    }
    assert!(bed.table("t").is_empty());
}

#[test]
fn what_cannot_be_synced_is_named() {
    spec!("V8");
    let url = postgres::database();
    postgres::run_sql(&url, "CREATE TYPE pair AS (a int, b int); CREATE TABLE t (id int PRIMARY KEY, p pair)");
    let store = crate::bed::open(&url);

    let error = runtime().block_on(store.introspect(None)).unwrap_err();

    assert_eq!(error.kind(), swain_store::StoreErrorKind::Unusable);
    assert!(error.to_string().contains("table 't' cannot be synced: column 'p' has the type pair"), "{error}");
    postgres::run_sql(&url, "DROP TABLE t; CREATE TABLE k (a int)");
    let error = runtime().block_on(store.introspect(None)).unwrap_err();
    assert!(error.to_string().contains("table 'k' cannot be synced: it has no PRIMARY KEY"), "{error}");
    postgres::run_sql(
        &url,
        "DROP TABLE k; CREATE UNLOGGED TABLE loose (id int PRIMARY KEY); CREATE TABLE parent (id int PRIMARY KEY);
         CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent); CREATE MATERIALIZED VIEW seen AS SELECT 1 AS id;
         CREATE TABLE fine (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)",
    );
    let found = runtime().block_on(survey(PostgresOptions::new(&url))).unwrap();
    let told: Vec<_> = found.tables.iter().map(|table| (table.name.as_str(), table.left_out.clone())).collect();
    let expected = [
        ("child", None),
        ("fine", None),
        ("loose", Some(LeftOut::Unlogged)),
        ("parent", Some(LeftOut::Inherited)),
        ("seen", Some(LeftOut::View)),
    ];
    assert_eq!(told, expected);
    assert_eq!(found.tables[1].remarks, [Remark::Generated("twice".into())]);
    assert!(found.is_attached);
}

#[test]
fn predicates_mean_the_same_in_sql_and_in_memory() {
    spec!("R2", "R3");
    let bed = Bed::new(
        "CREATE EXTENSION IF NOT EXISTS citext;
         CREATE TABLE t (id int PRIMARY KEY, a text, b text, c citext, i int, l bigint, r real, f double precision, n numeric,
             o boolean, j jsonb, k json, y bytea, d date, z timestamptz, u uuid, h char(3), s int[]); CREATE INDEX ON t (a);",
    );
    let mut random = Random(1);
    let mut values = Vec::new();
    for id in 0..150 {
        let columns: Vec<_> = COLUMNS.iter().map(|(_, choices)| random.pick(choices)).collect();
        values.push(format!("({id}, {})", columns.join(", ")));
    }
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    bed.write(&format!("INSERT INTO t (id, {}) VALUES {}", names.join(", "), values.join(", ")));
    let rows: Vec<Row> = bed.table("t").into_values().collect();
    let known: Vec<Value> = rows.iter().flat_map(|row| row.0.values().cloned()).collect();
    let mut granted = 0;

    for round in 0..300 {
        let expression = expression(&mut random, &known, 3);
        let resolved = resolve_in(&expression, &|_| rows.clone());
        let expected: Vec<_> = rows.iter().filter(|row| resolved.grants(row)).cloned().collect();

        let chunk = runtime().block_on(bed.store.load("t".into(), expression.clone(), None, 1_000)).unwrap();

        assert_eq!(chunk.rows, expected, "round {round}: {expression:?}");
        granted += expected.len();
    }
    assert!(granted > 500, "the expressions are not all false");
}

const COLUMNS: &[(&str, &[&str])] = &[
    ("a", &["NULL", "''", "'a'", "'A'", "'1'", "'ä'", "'true'", "'YQ=='"]),
    ("b", &["NULL", "'a'", "'a '", "'null'"]),
    ("c", &["NULL", "'a'", "'A'"]),
    ("i", &["NULL", "0", "1", "-1"]),
    ("l", &["NULL", "1", "9007199254740993", "9223372036854775807"]),
    ("r", &["NULL", "0.1", "1", "'NaN'", "1e30"]),
    ("f", &["NULL", "0.1", "-0.0", "1", "'Infinity'"]),
    ("n", &["NULL", "1", "1.0", "0.1", "'NaN'", "9007199254740993"]),
    ("o", &["NULL", "true", "false"]),
    ("j", &["NULL", "'null'", "'{\"a\": 1}'", "'[1]'", "'\"a\"'", "'1.0'"]),
    ("k", &["NULL", "' null '", "'{ \"a\" : 1 }'", "'{\"a\":1,\"a\":2}'", "'1'"]),
    ("y", &["NULL", "''", "'\\x61'", "'\\x00ff'"]),
    ("d", &["NULL", "'2024-02-29'", "'infinity'"]),
    ("z", &["NULL", "'2024-02-29 12:00+00'", "'2024-02-29 13:00+01'"]),
    ("u", &["NULL", "'6f1e9c0a-0000-4000-8000-00000000000a'"]),
    ("h", &["NULL", "'a'", "'1'"]),
    ("s", &["NULL", "'{}'", "'{1}'", "'{1,NULL}'"]),
];

fn expression(random: &mut Random, values: &[Value], depth: usize) -> Expression {
    let parts = |random: &mut Random| {
        let count = random.below(4);
        (0..count).map(|_| expression(random, values, depth - 1)).collect()
    };
    match random.below(if depth == 0 { 6 } else { 10 }) {
        0 | 1 => Expression::Equal(operand(random, values), operand(random, values)),
        2 => Expression::Differs(operand(random, values), operand(random, values)),
        3 => {
            let count = random.below(4);
            Expression::In(operand(random, values), (0..count).map(|_| value(random, values)).collect())
        }
        4 => Expression::IsNull(operand(random, values)),
        5 => {
            use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
            let how = [Less, LessOrEqual, Greater, GreaterOrEqual][random.below(4)];
            let kind = [ColumnType::Int64, ColumnType::Float64, ColumnType::Time][random.below(3)];
            Expression::Compare(operand(random, values), how, operand(random, values), kind)
        }
        6 => Expression::And(parts(random)),
        7 => Expression::Or(parts(random)),
        8 => {
            let condition = expression(random, values, depth - 1);
            let selection = Selection { table: "t".into(), column: operand(random, values), condition };
            Expression::Member(operand(random, values), Box::new(selection))
        }
        _ => Expression::Not(Box::new(expression(random, values, depth - 1))),
    }
}

fn operand(random: &mut Random, values: &[Value]) -> Operand {
    match random.below(10) {
        0..=5 => {
            let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).chain(["id", "none"]).collect();
            Operand::Column(random.pick(&names).into())
        }
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
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
