//! A bound predicate as SQL that means exactly what [`Expression::grants`] means (spec R2, R3).
//!
//! SQLite's own comparison would not do: affinity makes '1' equal to 1, a collation makes 'a' equal to 'A'. So a column
//! is compared by its storage class, without affinity, by bytes; where several stored values have one wire form (json,
//! decimal), the wire forms are compared. Conditions at the top get a plain comparison in front, for the index.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Error};
use swain_core::rule::{Expression, Operand};
use swain_core::{ColumnType, Name, Value};

use crate::failure::Failure;
use crate::layout::{TableLayout, quote};
use crate::wire::{stored_forms, to_wire};

/// SQL with its parameters, which begin at ?1.
pub(crate) struct Predicate {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Sql>,
}

/// Translates a bound predicate on a table.
pub(crate) fn predicate(table: &TableLayout, expression: &Expression) -> Predicate {
    let mut translation = Translation { table, parameters: Vec::new() };
    let sql = match translation.hint(expression) {
        Some(hint) => format!("{hint} AND {}", translation.expression(expression)),
        None => translation.expression(expression),
    };
    Predicate { sql, parameters: translation.parameters }
}

/// Adds `swain_wire(kind, value)`: the canonical wire form of a stored value.
pub(crate) fn register(conn: &Connection) -> Result<(), Failure> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    Ok(conn.create_scalar_function("swain_wire", 2, flags, wire)?)
}

fn wire(context: &Context<'_>) -> Result<Option<String>, Error> {
    let kind = ColumnType::from_name(context.get_raw(0).as_str()?).unwrap_or(ColumnType::Text);
    let value = to_wire(kind, context.get_raw(1));
    Ok((!value.is_null()).then(|| value.canonical()))
}

struct Translation<'a> {
    table: &'a TableLayout,
    parameters: Vec<Sql>,
}

/// An operand, once it is known what the table has.
enum Known<'a> {
    Column(&'a Name, ColumnType),
    Value(&'a Value),
}

impl Translation<'_> {
    fn expression(&mut self, expression: &Expression) -> String {
        match expression {
            Expression::Constant(truth) => truth_sql(Some(*truth)).into(),
            Expression::Equal(a, b) => self.equal(a, b),
            Expression::Differs(a, b) => format!("NOT {}", self.equal(a, b)),
            Expression::In(operand, values) => self.is_in(operand, values),
            Expression::IsNull(operand) => self.is_null(operand),
            Expression::And(parts) => self.joined(parts, " AND ", "1"),
            Expression::Or(parts) => self.joined(parts, " OR ", "0"),
            Expression::Not(part) => format!("(NOT {})", self.expression(part)),
        }
    }

    fn joined(&mut self, parts: &[Expression], operator: &str, empty: &str) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.expression(part)).collect();
        if parts.is_empty() { empty.into() } else { format!("({})", parts.join(operator)) }
    }

    fn equal(&mut self, a: &Operand, b: &Operand) -> String {
        match (self.known(a), self.known(b)) {
            (Known::Column(name, kind), Known::Value(value)) | (Known::Value(value), Known::Column(name, kind)) => {
                let (name, value) = (name.clone(), value.clone());
                self.column_in(&name, kind, &[value])
            }
            (Known::Column(a, a_kind), Known::Column(b, b_kind)) => {
                format!("({} = {})", wire_sql(a, a_kind), wire_sql(b, b_kind))
            }
            (Known::Value(a), Known::Value(b)) => truth_sql(compare(a, b)).into(),
        }
    }

    fn is_in(&mut self, operand: &Operand, values: &[Value]) -> String {
        match self.known(operand) {
            Known::Column(name, kind) => {
                let name = name.clone();
                self.column_in(&name, kind, values)
            }
            Known::Value(value) => {
                let truths = values.iter().map(|other| truth_sql(compare(value, other)));
                let truths: Vec<_> = truths.collect();
                if truths.is_empty() { "0".into() } else { format!("({})", truths.join(" OR ")) }
            }
        }
    }

    /// The column is one of these values; unknown as in SQL.
    fn column_in(&mut self, name: &Name, kind: ColumnType, values: &[Value]) -> String {
        if values.is_empty() {
            return "0".into();
        }
        let unknown = if values.iter().any(Value::is_null) { " OR NULL" } else { "" };
        let found = match all_stored_forms(kind, values) {
            Some(forms) => self.class_in(&quote(name), &forms),
            None => {
                let texts = values.iter().filter(|value| !value.is_null()).map(|value| Sql::Text(value.canonical()));
                format!("{} IN ({})", wire_sql(name, kind), self.bind(texts.collect()))
            }
        };
        format!("({found}{unknown})")
    }

    /// `+` takes the column's affinity away, so that no value is converted before it is compared.
    fn class_in(&mut self, column: &str, forms: &[Sql]) -> String {
        let mut branches = String::from("WHEN 'null' THEN NULL");
        for class in ["text", "integer", "real", "blob"] {
            let forms: Vec<Sql> = forms.iter().filter(|form| class_of(form) == class).cloned().collect();
            if !forms.is_empty() {
                let list = self.bind(forms);
                branches.push_str(&format!(" WHEN '{class}' THEN +{column} COLLATE BINARY IN ({list})"));
            }
        }
        format!("CASE typeof({column}) {branches} ELSE 0 END")
    }

    fn is_null(&mut self, operand: &Operand) -> String {
        match self.known(operand) {
            // The text `null` in a json column is null too.
            Known::Column(name, ColumnType::Json) => format!("({} IS NULL)", wire_sql(name, ColumnType::Json)),
            Known::Column(name, _) => format!("({} IS NULL)", quote(name)),
            Known::Value(value) => truth_sql(Some(value.is_null())).into(),
        }
    }

    /// A plain comparison that is true for every granted row, for the planner to find an index by.
    fn hint(&mut self, expression: &Expression) -> Option<String> {
        let (operand, values) = match expression {
            Expression::Equal(operand @ Operand::Column(_), Operand::Literal(value))
            | Expression::Equal(Operand::Literal(value), operand @ Operand::Column(_)) => {
                (operand, std::slice::from_ref(value))
            }
            Expression::In(operand @ Operand::Column(_), values) => (operand, values.as_slice()),
            Expression::And(parts) => {
                let hints: Vec<_> = parts.iter().filter_map(|part| self.hint(part)).collect();
                return (!hints.is_empty()).then(|| hints.join(" AND "));
            }
            _ => return None,
        };
        let Known::Column(name, kind) = self.known(operand) else { return None };
        let forms = all_stored_forms(kind, values)?;
        let column = quote(name);
        Some(format!("{column} IN ({})", self.bind(forms)))
    }

    fn bind(&mut self, values: Vec<Sql>) -> String {
        let places = self.parameters.len() + 1..=self.parameters.len() + values.len();
        self.parameters.extend(values);
        places.map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ")
    }

    fn known<'b>(&self, operand: &'b Operand) -> Known<'b> {
        const NULL: &Value = &Value::Null;
        match operand {
            Operand::Column(name) => match self.table.kind(name) {
                Some(kind) => Known::Column(name, kind),
                None => Known::Value(NULL),
            },
            Operand::Literal(value) => Known::Value(value),
            Operand::AuthId | Operand::AuthRole => Known::Value(NULL),
        }
    }
}

fn all_stored_forms(kind: ColumnType, values: &[Value]) -> Option<Vec<Sql>> {
    let forms: Option<Vec<Vec<Sql>>> = values.iter().map(|value| stored_forms(kind, value)).collect();
    Some(forms?.concat())
}

fn wire_sql(column: &Name, kind: ColumnType) -> String {
    format!("swain_wire('{}', {})", kind.as_str(), quote(column))
}

fn class_of(value: &Sql) -> &'static str {
    match value {
        Sql::Null => "null",
        Sql::Integer(_) => "integer",
        Sql::Real(_) => "real",
        Sql::Text(_) => "text",
        Sql::Blob(_) => "blob",
    }
}

fn truth_sql(truth: Option<bool>) -> &'static str {
    match truth {
        Some(true) => "1",
        Some(false) => "0",
        None => "NULL",
    }
}

fn compare(a: &Value, b: &Value) -> Option<bool> {
    (!a.is_null() && !b.is_null()).then(|| a == b)
}
