//! A bound predicate as SQL that is true for every row that [`Expression::grants`] is true for (spec R2, R3).
//!
//! For most columns it is true for no other row. PostgreSQL's own `=` would not always do: citext finds 'A' equal to 'a',
//! numeric 1.0 equal to 1.00, and json has none. Where values cannot be compared by their wire form, the SQL grants more
//! (under NOT: fewer), and who reads the rows asks the expression itself. So a load never depends on this translation
//! being exact, only on its leaving nothing out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use swain_core::rule::{Comparison, Expression, Operand};
use swain_core::{ColumnType, Name, Value};
use tokio_postgres::types::{ToSql, Type};

use crate::connection::Parameter;
use crate::layout::{ROW, TableLayout, quote};
use crate::wire::{Kind, hex};

/// SQL with its parameters, which begin at $1.
pub(crate) struct Predicate {
    pub(crate) sql: String,
    bound: Vec<Bound>,
}

/// A list of values that a column is compared with.
enum Bound {
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Doubles(Vec<f64>),
    Singles(Vec<f32>),
}

impl Predicate {
    pub(crate) fn parameters(&self) -> Vec<Parameter<'_>> {
        let parameters = self.bound.iter().map(|bound| match bound {
            Bound::Texts(list) => (list as &(dyn ToSql + Sync), Type::TEXT_ARRAY),
            Bound::Integers(list) => (list as _, Type::INT8_ARRAY),
            Bound::Doubles(list) => (list as _, Type::FLOAT8_ARRAY),
            Bound::Singles(list) => (list as _, Type::FLOAT4_ARRAY),
        });
        parameters.collect()
    }
}

/// Translates a bound predicate on a table.
pub(crate) fn predicate(table: &TableLayout, expression: &Expression) -> Predicate {
    let mut translation = Translation { table, bound: Vec::new() };
    let sql = translation.expression(expression, Side::Grants);
    Predicate { sql, bound: translation.bound }
}

/// Whether a part that is true makes the whole true, or false: under a NOT.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Grants,
    Denies,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Grants => Self::Denies,
            Self::Denies => Self::Grants,
        }
    }

    /// What stands for a comparison that SQL cannot make.
    fn undecided(self) -> String {
        match self {
            Self::Grants => "TRUE".into(),
            Self::Denies => "FALSE".into(),
        }
    }
}

struct Translation<'a> {
    table: &'a TableLayout,
    bound: Vec<Bound>,
}

/// An operand, once it is known what the table has.
enum Known<'a> {
    Column(&'a Name, &'a Kind),
    Value(&'a Value),
}

impl<'a> Translation<'a> {
    fn expression(&mut self, expression: &Expression, side: Side) -> String {
        match expression {
            Expression::Constant(truth) => truth_sql(Some(*truth)).into(),
            Expression::Equal(a, b) => self.equal(a, b, side),
            Expression::Differs(a, b) => format!("(NOT {})", self.equal(a, b, side.other())),
            Expression::Compare(a, how, b, kind) => self.ordered(a, *how, b, *kind, side),
            Expression::In(operand, values) => self.is_in(operand, values, side),
            // What it selects is found out before: see `selection`.
            Expression::Member(..) => truth_sql(None).into(),
            Expression::Among(operand, set) => {
                let null = set.has_null.then_some(Value::Null);
                let values: Vec<Value> = set.values.iter().cloned().chain(null).collect();
                self.is_in(operand, &values, side)
            }
            Expression::IsNull(operand) => self.is_null(operand),
            Expression::And(parts) => self.joined(parts, " AND ", "TRUE", side),
            Expression::Or(parts) => self.joined(parts, " OR ", "FALSE", side),
            Expression::Not(part) => format!("(NOT {})", self.expression(part, side.other())),
        }
    }

    fn joined(&mut self, parts: &[Expression], operator: &str, empty: &str, side: Side) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.expression(part, side)).collect();
        if parts.is_empty() { empty.into() } else { format!("({})", parts.join(operator)) }
    }

    fn equal(&mut self, a: &Operand, b: &Operand, side: Side) -> String {
        match (self.known(a), self.known(b)) {
            (Known::Column(name, kind), Known::Value(value)) | (Known::Value(value), Known::Column(name, kind)) => {
                self.column_in(name, kind, std::slice::from_ref(value), side)
            }
            (Known::Column(a, a_kind), Known::Column(b, b_kind)) => columns_equal((a, a_kind), (b, b_kind), side),
            (Known::Value(a), Known::Value(b)) => truth_sql(compare(a, b)).into(),
        }
    }

    fn is_in(&mut self, operand: &Operand, values: &[Value], side: Side) -> String {
        match self.known(operand) {
            Known::Column(name, kind) => self.column_in(name, kind, values, side),
            Known::Value(value) => {
                let truths: Vec<_> = values.iter().map(|other| truth_sql(compare(value, other))).collect();
                if truths.is_empty() { "FALSE".into() } else { format!("({})", truths.join(" OR ")) }
            }
        }
    }

    /// The column is one of these values; unknown as in SQL.
    fn column_in(&mut self, name: &Name, kind: &Kind, values: &[Value], side: Side) -> String {
        if values.is_empty() {
            return "FALSE".into();
        }
        let column = format!("{ROW}.{}", quote(name));
        let unknown = if values.iter().any(Value::is_null) { " OR NULL::boolean" } else { "" };
        // No value of this column looks like any of these: false, or unknown when there is no value.
        let none = format!("({column} IS NULL AND NULL::boolean)");
        let found = match kind {
            Kind::Json | Kind::List(_) => return side.undecided(),
            Kind::Integer => self.one_of(&column, values, integer, Bound::Integers, ""),
            Kind::Double => self.one_of(&column, values, double, Bound::Doubles, ""),
            Kind::Single => self.one_of(&column, values, single, Bound::Singles, ""),
            Kind::Bool => self.one_of(&column, values, truth, Bound::Texts, "::boolean[]"),
            Kind::Uuid => self.one_of(&column, values, uuid, Bound::Texts, "::uuid[]"),
            Kind::Bytes => self.one_of(&column, values, bytes, Bound::Texts, "::bytea[]"),
            Kind::Text => self.one_of(&column, values, text, Bound::Texts, "").map(|plain| {
                // The first finds an index, the second compares bytes.
                format!("({plain} AND {})", plain.replacen(" = ", " COLLATE \"C\" = ", 1))
            }),
            Kind::Numeric => self.one_of(&column, values, numeric, Bound::Texts, "::numeric[]").map(|plain| {
                let exact = plain.replacen(" = ", "::text COLLATE \"C\" = ", 1).replace("::numeric[]", "");
                format!("({plain} AND {exact})")
            }),
            Kind::Time | Kind::Other => {
                let shown = format!("(to_json({column}) #>> '{{}}') COLLATE \"C\"");
                self.one_of(&shown, values, text, Bound::Texts, "")
            }
        };
        format!("({}{unknown})", found.unwrap_or(none))
    }

    /// None when no value has a form that the column can have.
    fn one_of<T>(
        &mut self,
        column: &str,
        values: &[Value],
        form: impl Fn(&Value) -> Option<T>,
        bind: impl Fn(Vec<T>) -> Bound,
        cast: &str,
    ) -> Option<String> {
        let forms: Vec<T> = values.iter().filter_map(form).collect();
        if forms.is_empty() {
            return None;
        }
        self.bound.push(bind(forms));
        Some(format!("{column} = ANY (${}{cast})", self.bound.len()))
    }

    /// By order, where the column has one that SQL knows: whole numbers, and the text of times.
    fn ordered(&mut self, a: &Operand, how: Comparison, b: &Operand, kind: ColumnType, side: Side) -> String {
        let (name, column, value, how) = match (self.known(a), self.known(b)) {
            (Known::Column(name, column), Known::Value(value)) => (name, column, value, how),
            (Known::Value(value), Known::Column(name, column)) => (name, column, value, how.mirrored()),
            _ => return side.undecided(),
        };
        let sql_name = format!("{ROW}.{}", quote(name));
        let operator = how.as_sql();
        match (kind, column) {
            (ColumnType::Int64, Kind::Integer) if integer(value).is_some() => {
                self.bound.push(Bound::Integers(integer(value).into_iter().collect()));
                format!("({sql_name} {operator} (${}::int8[])[1])", self.bound.len())
            }
            (ColumnType::Time, Kind::Time) if value.as_text().is_some() => {
                self.bound.push(Bound::Texts(text(value).into_iter().collect()));
                let place = self.bound.len();
                format!("((to_json({sql_name}) #>> '{{}}') COLLATE \"C\" {operator} (${place}::text[])[1])")
            }
            _ => side.undecided(),
        }
    }

    fn is_null(&mut self, operand: &Operand) -> String {
        match self.known(operand) {
            // The json `null` is null too.
            Known::Column(name, Kind::Json) => {
                let column = format!("{ROW}.{}", quote(name));
                format!("({column} IS NULL OR btrim({column}::text, E' \\t\\n\\r') = 'null')")
            }
            Known::Column(name, _) => format!("({ROW}.{} IS NULL)", quote(name)),
            Known::Value(value) => truth_sql(Some(value.is_null())).into(),
        }
    }

    fn known<'b>(&self, operand: &'b Operand) -> Known<'b>
    where
        'a: 'b,
    {
        const NULL: &Value = &Value::Null;
        match operand {
            Operand::Column(name) => match self.table.kind(name) {
                Some(kind) => Known::Column(name, kind),
                None => Known::Value(NULL),
            },
            Operand::Literal(value) => Known::Value(value),
            Operand::AuthId | Operand::AuthNumber | Operand::AuthRole | Operand::AuthClaim(_) => Known::Value(NULL),
        }
    }
}

fn columns_equal((a, a_kind): (&Name, &Kind), (b, b_kind): (&Name, &Kind), side: Side) -> String {
    let (a, b) = (format!("{ROW}.{}", quote(a)), format!("{ROW}.{}", quote(b)));
    match (a_kind, b_kind) {
        (Kind::Text, Kind::Text) => format!("({a} COLLATE \"C\" = {b})"),
        (Kind::Integer, Kind::Integer)
        | (Kind::Bool, Kind::Bool)
        | (Kind::Uuid, Kind::Uuid)
        | (Kind::Bytes, Kind::Bytes) => format!("({a} = {b})"),
        _ => side.undecided(),
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        // Beyond the numbers of JSON an integer is a text.
        Value::Text(text) => text.parse().ok().filter(|number: &i64| Value::int64(*number) == *value),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "safe integers are exact doubles")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(text) => match &**text {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            "NaN" => Some(f64::NAN),
            _ => None,
        },
        _ => None,
    }
}

/// The float4 whose shortest text reads as this double.
fn single(value: &Value) -> Option<f32> {
    let double = double(value)?;
    #[expect(clippy::cast_possible_truncation, reason = "compared with the text's meaning below")]
    let single = double as f32;
    let reads_back = format!("{single}").parse::<f64>().is_ok_and(|read| read == double);
    (reads_back || !double.is_finite()).then_some(single)
}

fn truth(value: &Value) -> Option<String> {
    matches!(value, Value::Bool(_)).then(|| value.canonical())
}

fn text(value: &Value) -> Option<String> {
    value.as_text().map(str::to_owned)
}

/// Digits as PostgreSQL writes them.
fn numeric(value: &Value) -> Option<String> {
    let text = value.as_text()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty()
        && digits.len() < 1000
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    (is_number || matches!(text, "NaN" | "Infinity" | "-Infinity")).then(|| text.to_owned())
}

fn uuid(value: &Value) -> Option<String> {
    let text = value.as_text()?;
    let is_canonical = text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    is_canonical.then(|| text.to_owned())
}

fn bytes(value: &Value) -> Option<String> {
    let text = value.as_text()?;
    BASE64.decode(text).ok().filter(|bytes| BASE64.encode(bytes) == text).map(|bytes| hex(&bytes))
}

fn truth_sql(truth: Option<bool>) -> &'static str {
    match truth {
        Some(true) => "TRUE",
        Some(false) => "FALSE",
        None => "NULL::boolean",
    }
}

fn compare(a: &Value, b: &Value) -> Option<bool> {
    (!a.is_null() && !b.is_null()).then(|| a == b)
}
