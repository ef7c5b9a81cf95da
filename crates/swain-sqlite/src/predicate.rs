//! A bound predicate as SQL that means exactly what [`Expression::grants`] means (spec R2, R3).
//!
//! SQLite's own comparison would not do: affinity makes '1' equal to 1, a collation makes 'a' equal to 'A'. So a column
//! is compared by its storage class, without affinity, by bytes; where several stored values have one wire form (json,
//! decimal), the wire forms are compared. Conditions at the top get a plain comparison in front, for the index.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Error};
use swain_core::rule::{Comparison, Expression, Operand, Selection, ValueSet, order};
use swain_core::strict_json::parse;
use swain_core::{ColumnType, Name, Value};

use crate::failure::Failure;
use crate::layout::{Layout, TableLayout, has_key, literal, quote};
use crate::wire::{stored_forms, to_wire};

/// SQL with its parameters, which begin at ?1.
pub(crate) struct Predicate {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Sql>,
}

/// More values than this go as one JSON parameter, without a hint for an index.
const LISTED_VALUES_MAX: usize = 500;

/// Translates a bound predicate on a table; what it selects from is among the tables of the layout.
pub(crate) fn predicate(layout: &Layout, table: &TableLayout, expression: &Expression) -> Result<Predicate, Failure> {
    let mut translation = Translation { layout, table, parameters: Vec::new() };
    let sql = match translation.hint(expression) {
        Some(hint) => format!("{hint} AND {}", translation.expression(expression)?),
        None => translation.expression(expression)?,
    };
    Ok(Predicate { sql, parameters: translation.parameters })
}

/// Adds `swain_wire(kind, value)`, the canonical wire form of a stored value, and `swain_order(kind, wire, wire)`, which
/// compares two of them as rules do in memory.
pub(crate) fn register(conn: &Connection) -> Result<(), Failure> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    conn.create_scalar_function("swain_wire", 2, flags, wire)?;
    Ok(conn.create_scalar_function("swain_order", 3, flags, order_of_wires)?)
}

fn order_of_wires(context: &Context<'_>) -> Result<Option<i8>, Error> {
    let kind = ColumnType::from_name(context.get_raw(0).as_str()?).unwrap_or(ColumnType::Text);
    let value = |place| match context.get_raw(place).as_str_or_null() {
        Ok(Some(text)) => parse(text).unwrap_or_default(),
        Ok(None) | Err(_) => Value::Null,
    };
    Ok(order(kind, &value(1), &value(2)).map(|order| order as i8))
}

fn wire(context: &Context<'_>) -> Result<Option<String>, Error> {
    let kind = ColumnType::from_name(context.get_raw(0).as_str()?).unwrap_or(ColumnType::Text);
    let value = to_wire(kind, context.get_raw(1));
    Ok((!value.is_null()).then(|| value.canonical()))
}

struct Translation<'a> {
    layout: &'a Layout,
    table: &'a TableLayout,
    parameters: Vec<Sql>,
}

/// An operand, once it is known what the table has.
enum Known<'a> {
    Column(&'a Name, ColumnType),
    Value(&'a Value),
}

impl Translation<'_> {
    fn expression(&mut self, expression: &Expression) -> Result<String, Failure> {
        Ok(match expression {
            Expression::Constant(truth) => truth_sql(Some(*truth)).into(),
            Expression::Equal(a, b) => self.equal(a, b),
            Expression::Differs(a, b) => format!("NOT {}", self.equal(a, b)),
            Expression::Compare(a, how, b, kind) => self.ordered(a, *how, b, *kind),
            Expression::In(operand, values) => self.is_in(operand, values),
            Expression::Member(operand, selection) => self.member(operand, selection)?,
            Expression::Among(operand, set) => self.among(operand, set),
            Expression::IsNull(operand) => self.is_null(operand),
            Expression::And(parts) => self.joined(parts, " AND ", "1")?,
            Expression::Or(parts) => self.joined(parts, " OR ", "0")?,
            Expression::Not(part) => format!("(NOT {})", self.expression(part)?),
        })
    }

    fn joined(&mut self, parts: &[Expression], operator: &str, empty: &str) -> Result<String, Failure> {
        let parts: Vec<_> = parts.iter().map(|part| self.expression(part)).collect::<Result<_, _>>()?;
        Ok(if parts.is_empty() { empty.into() } else { format!("({})", parts.join(operator)) })
    }

    /// By wire forms on both sides, so that neither affinity nor collation has a say. SQLite computes the inner SELECT once.
    fn member(&mut self, operand: &Operand, selection: &Selection) -> Result<String, Failure> {
        let left = self.wire_of(operand);
        let outer = std::mem::replace(&mut self.table, self.layout.table(&selection.table)?);
        let column = self.wire_of(&selection.column);
        let condition = self.expression(&selection.condition);
        let inner = std::mem::replace(&mut self.table, outer);
        let (table, keyed, condition) = (quote(&inner.name), has_key(inner), condition?);
        Ok(format!("({left} IN (SELECT {column} FROM {table} WHERE {condition} AND {keyed}))"))
    }

    fn among(&mut self, operand: &Operand, set: &ValueSet) -> String {
        if set.values.len() > LISTED_VALUES_MAX {
            let left = self.wire_of(operand);
            let texts = set.values.iter().map(|value| Value::text(value.canonical())).collect();
            let list = self.bind(vec![Sql::Text(Value::List(texts).canonical())]);
            let unknown = if set.has_null { " OR NULL" } else { "" };
            return format!("({left} IN (SELECT value FROM json_each({list})){unknown})");
        }
        let null = set.has_null.then_some(Value::Null);
        let values: Vec<Value> = set.values.iter().cloned().chain(null).collect();
        self.is_in(operand, &values)
    }

    fn ordered(&mut self, a: &Operand, how: Comparison, b: &Operand, kind: ColumnType) -> String {
        let (a, b) = (self.wire_of(a), self.wire_of(b));
        format!("(swain_order({}, {a}, {b}) {} 0)", literal(kind.as_str()), how.as_sql())
    }

    /// The canonical wire form; NULL for null.
    fn wire_of(&mut self, operand: &Operand) -> String {
        match self.known(operand) {
            Known::Column(name, kind) => wire_sql(name, kind),
            Known::Value(value) => {
                let text = if value.is_null() { Sql::Null } else { Sql::Text(value.canonical()) };
                self.bind(vec![text])
            }
        }
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
            Expression::Among(operand @ Operand::Column(_), set) if set.values.len() <= LISTED_VALUES_MAX => {
                return self.hint_among(operand, set);
            }
            Expression::And(parts) => {
                let hints: Vec<_> = parts.iter().filter_map(|part| self.hint(part)).collect();
                return (!hints.is_empty()).then(|| hints.join(" AND "));
            }
            _ => return None,
        };
        self.hint_in(operand, values)
    }

    fn hint_among(&mut self, operand: &Operand, set: &ValueSet) -> Option<String> {
        let values: Vec<Value> = set.values.iter().cloned().collect();
        self.hint_in(operand, &values)
    }

    fn hint_in(&mut self, operand: &Operand, values: &[Value]) -> Option<String> {
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
            Operand::AuthId | Operand::AuthNumber | Operand::AuthRole | Operand::AuthClaim(_) => Known::Value(NULL),
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
