//! Who may read what of the inbox (spec M15, M16). The rules of a table are those of its conflicts: an inbox row carries the
//! values that they compare, in columns that nobody is sent, and its read rule is put together from them.

use std::collections::BTreeMap;

use swain_core::rule::{Expression, Operand};
use swain_core::{Name, OnDelete, Row, Schema, Table, Value, inbox};

use super::masks::Masks;
use super::{Catalog, ConfigError, TableConfig, TableRules};

/// Where the values that a table's rules compare stand in an inbox row: column of the table to column of the inbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats(BTreeMap<Name, Name>);

impl Seats {
    fn of(table: &Table, rules: &TableRules) -> Result<Self, ConfigError> {
        let mut taken = BTreeMap::new();
        let mut seats = BTreeMap::new();
        for column in rules.read.columns().into_iter().chain(rules.update.columns()) {
            if seats.contains_key(&column) {
                continue;
            }
            let kind = table.columns[&column].kind;
            let place = taken.entry(kind).or_insert(0);
            let Some(seat) = inbox::seat(kind, *place) else {
                let why = match inbox::seat(kind, 0) {
                    None => format!("'{column}' of type {}", kind.as_str()),
                    Some(_) => format!("more than {} columns of type {}", inbox::SEATS_MAX, kind.as_str()),
                };
                return Err(ConfigError::NoSeat { table: table.name.to_string(), why });
            };
            *place += 1;
            seats.insert(column, seat);
        }
        Ok(Self(seats))
    }

    /// What an inbox row carries of a row.
    pub(crate) fn values(&self, row: &Row) -> Row {
        self.0.iter().map(|(column, seat)| (seat.clone(), row.value(column).clone())).collect()
    }

    fn seated(&self, rule: &Expression) -> Expression {
        rule.renamed(&|column| self.0.get(column).unwrap_or(column).clone())
    }
}

impl Catalog {
    /// The table of the inbox, and where it carries the values of a table's rows; none when that table has no inbox.
    pub(crate) fn inbox_of(&self, table: &Name) -> Option<(&Table, &Seats)> {
        Some((self.schema.tables.get(inbox::TABLE)?, self.seats.get(table)?))
    }
}

/// Adds the inbox and its rules, when a table has one.
pub(super) fn add(
    schema: &mut Schema,
    rules: &mut BTreeMap<Name, TableRules>,
    tables: &BTreeMap<String, TableConfig>,
) -> Result<BTreeMap<Name, Seats>, ConfigError> {
    let mut seats = BTreeMap::new();
    for (name, config) in tables {
        let table = &schema.tables[name.as_str()];
        let asks = table.on_delete == OnDelete::Manual || table.strategies.values().any(|rule| rule.asks_a_person());
        if asks || config.inbox {
            seats.insert(table.name.clone(), Seats::of(table, &rules[name.as_str()])?);
        }
    }
    if seats.is_empty() {
        return Ok(seats);
    }
    let mut table = inbox::table();
    let own = inbox_rules(rules, &seats);
    table.scopes = own.read.auth_columns();
    rules.insert(table.name.clone(), own);
    schema.tables.insert(table.name.clone(), table);
    Ok(seats)
}

fn inbox_rules(rules: &BTreeMap<Name, TableRules>, seats: &BTreeMap<Name, Seats>) -> TableRules {
    let refusals = Expression::And(vec![is("kind", inbox::REFUSAL), is_auth("mine_by")]);
    let conflicts = seats.iter().map(|(table, seats)| conflicts_of(table, &rules[table], seats));
    // Part of every view: who changes one of these rules changes what is read here.
    let texts = seats.keys().map(|table| rules[table].inbox_text.as_str());
    let text = texts.collect::<Vec<_>>().join("\n");
    TableRules {
        read: Expression::Or([refusals].into_iter().chain(conflicts).collect()),
        insert: Expression::Constant(false),
        // Who may decide is looked at by the judge, against the row that it is about.
        update: Expression::Constant(true),
        delete: Expression::Constant(false),
        check: Expression::Constant(true),
        read_text: text.clone(),
        inbox_text: text,
        masks: Masks::from_all(inbox::seats().map(|(name, _)| name).chain([Name::from("seat_place")])),
        lengths: BTreeMap::new(),
    }
}

/// Whoever reads the row, if it is his edit, or his that it met, or he may change the row; of no column that is hidden
/// from him.
fn conflicts_of(table: &Name, rules: &TableRules, seats: &Seats) -> Expression {
    let concerned = Expression::Or(vec![is_auth("mine_by"), is_auth("theirs_by"), seats.seated(&rules.update)]);
    let seen = rules.masks.iter().map(|(column, mask)| {
        Expression::Or(vec![
            Expression::Differs(Operand::Column("row_column".into()), Operand::Literal(Value::text(column.as_str()))),
            Expression::Not(Box::new(mask.clone())),
        ])
    });
    let parts = [is("kind", inbox::CONFLICT), is("row_table", table), seats.seated(&rules.read), concerned];
    Expression::And(parts.into_iter().chain(seen).collect())
}

fn is(column: &str, value: &str) -> Expression {
    Expression::Equal(Operand::Column(column.into()), Operand::Literal(Value::text(value)))
}

fn is_auth(column: &str) -> Expression {
    Expression::Equal(Operand::Column(column.into()), Operand::AuthId)
}
