//! What the configuration makes of the database's tables: rules, masks, scopes, fills, strategies.

mod inbox;
mod masks;

use std::collections::BTreeMap;

use serde::Deserialize;
use swain_core::rule::{Auth, Expression};
use swain_core::shape::Shape;
use swain_core::{ColumnType, Fill, Ids, Name, OnDelete, Reference, Schema, Strategy, Table};

use crate::rule_parser::{RuleError, parse_rule};
use inbox::Seats;
use masks::Masks;
pub(crate) use masks::{Hidden, table_for};

/// One `[tables.NAME]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableConfig {
    /// Who may read a row.
    pub read: Option<String>,
    /// Short for insert, update and delete.
    pub write: Option<String>,
    /// Who may insert a row; seen on the new row.
    pub insert: Option<String>,
    /// Who may change a row; seen on the old and on the new row.
    pub update: Option<String>,
    /// Who may delete a row.
    pub delete: Option<String>,
    /// What every new row has to be.
    pub check: Option<String>,
    /// Columns that some may not see: column to a condition on who asks. Whom it does not surely spare, it hides from.
    pub hidden: BTreeMap<String, String>,
    /// Columns by which shapes may select.
    pub scopes: Vec<String>,
    /// Columns that the server fills: `"auth.id"` or `"time"`.
    pub fill: BTreeMap<String, String>,
    /// Who gives ids to new rows: `"server"` or `"device"`. Without it, the database's own say: an `INTEGER PRIMARY KEY`
    /// or a serial column means `"server"`.
    pub ids: Option<String>,
    /// Unique keys besides those that the database has.
    pub unique: Vec<Vec<String>>,
    /// Columns that hold keys of other tables, besides the database's foreign keys: column to table.
    pub references: BTreeMap<String, String>,
    /// Settings of single columns.
    pub columns: BTreeMap<String, ColumnConfig>,
    /// What becomes of a delete of a row that was changed since it was seen: `"delete-wins"` (the default),
    /// `"update-wins"` or `"manual"`.
    pub on_delete: Option<String>,
    /// True: what is refused of this table is kept in the inbox, too, so that a person finds it on every device. Always so
    /// where a strategy or `on_delete` asks a person.
    pub inbox: bool,
    /// How long the log keeps what happened to the table.
    pub history: HistoryConfig,
}

/// `[tables.NAME.history]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryConfig {
    /// In days, or `"forever"`; as long as the log if it is not said.
    pub keep: Option<KeepConfig>,
}

/// How long a table's changes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "DaysOrWord")]
pub enum KeepConfig {
    /// So many days.
    Days(u32),
    /// They never go.
    Forever,
}

/// One `[tables.NAME.columns.COLUMN]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnConfig {
    /// `last-write-wins`, `arrival`, `server-wins`, `client-wins`, `max`, `min`, `union`, `concat`, `merge`, `text` or
    /// `manual`.
    pub strategy: Option<String>,
    /// What stands between the texts of `concat`; a line end, if it is not said.
    pub separator: Option<String>,
    /// Characters of the longest text, or bytes of the longest value of a column of bytes.
    pub max_length: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "keep takes a number of days, or \"forever\"")]
enum DaysOrWord {
    Days(u32),
    Word(String),
}

impl TryFrom<DaysOrWord> for KeepConfig {
    type Error = String;

    fn try_from(value: DaysOrWord) -> Result<Self, String> {
        match value {
            DaysOrWord::Days(days) => Ok(Self::Days(days)),
            DaysOrWord::Word(word) if word == "forever" => Ok(Self::Forever),
            DaysOrWord::Word(word) => Err(format!("keep takes a number of days, or \"forever\", not \"{word}\"")),
        }
    }
}

/// What is wrong with the configuration of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The database does not have the table.
    #[error("[tables.{table}]: the database has no table '{table}'")]
    UnknownTable {
        /// The table.
        table: String,
    },
    /// The table does not have the column.
    #[error("[tables.{table}] {key}: the table has no column '{column}'")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The setting that names it.
        key: &'static str,
        /// The column.
        column: String,
    },
    /// A setting has a value that there is not.
    #[error("[tables.{table}] {key}: '{value}' is not one of {allowed}")]
    UnknownValue {
        /// The table.
        table: String,
        /// The setting.
        key: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        allowed: &'static str,
    },
    /// A length of values that have none.
    #[error(
        "[tables.{table}.columns.{column}] max_length: the column has type {kind}; only text and bytes have a length"
    )]
    NoLength {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        kind: &'static str,
    },
    /// A strategy for values of another type.
    #[error(
        "[tables.{table}.columns.{column}] strategy: the column has type {kind}, of which '{strategy}' makes nothing"
    )]
    UnfitStrategy {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The strategy.
        strategy: String,
        /// Its type.
        kind: &'static str,
    },
    /// A rule of a table whose conflicts could not be shown to those whom it grants.
    #[error("[tables.{table}] the inbox: the rules name {why}, which an inbox row does not carry")]
    NoSeat {
        /// The table.
        table: String,
        /// The column, and what is the matter with it.
        why: String,
    },
    /// The server fills a column that names the row.
    #[error("[tables.{table}] fill: '{column}' belongs to the key, which the device gives")]
    FilledKey {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The database gives no ids for this table.
    #[error(
        "[tables.{table}] ids: the database gives no ids for this key; it has to be one whole number with a default"
    )]
    NoIds {
        /// The table.
        table: String,
    },
    /// A reference to a table whose key has several columns.
    #[error("[tables.{table}] references: one column cannot hold a key of '{to}', which has several")]
    WideReference {
        /// The table.
        table: String,
        /// The table that is named.
        to: String,
    },
    /// A column that has to be seen by those who see the row.
    #[error("[tables.{table}.hidden] {column}: {why}, so it cannot be hidden")]
    NotHidden {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What needs it.
        why: &'static str,
    },
    /// A rule is wrong.
    #[error("{pointed}\n{error}", pointed = pointed(.table, .rule, .text, .error))]
    Rule {
        /// The table.
        table: String,
        /// Which rule; of a mask, `hidden.` and its column.
        rule: String,
        /// Its text.
        text: String,
        /// What is wrong with it.
        error: RuleError,
    },
}

impl ConfigError {
    /// The table that the error is about.
    pub fn table(&self) -> &str {
        match self {
            Self::UnknownTable { table }
            | Self::UnknownColumn { table, .. }
            | Self::UnknownValue { table, .. }
            | Self::NoLength { table, .. }
            | Self::UnfitStrategy { table, .. }
            | Self::FilledKey { table, .. }
            | Self::NoSeat { table, .. }
            | Self::NoIds { table }
            | Self::WideReference { table, .. }
            | Self::NotHidden { table, .. }
            | Self::Rule { table, .. } => table,
        }
    }
}

/// The line that is wrong, with a caret under the word.
fn pointed(table: &str, rule: &str, text: &str, error: &RuleError) -> String {
    let place = |number: u64| usize::try_from(number).unwrap_or(1).max(1) - 1;
    let line = text.lines().nth(place(error.line)).unwrap_or_default();
    let (head, tail) = match text.lines().count() {
        0 | 1 => (format!("[tables.{table}] {rule} = \""), "\""),
        _ => (format!("[tables.{table}] {rule}, line {}: ", error.line), ""),
    };
    let before = head.chars().count() + place(error.column);
    format!("{head}{line}{tail}\n{}^", " ".repeat(before))
}

/// The schema with everything that the configuration says of it.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Tables with their scopes, fills and strategies.
    pub schema: Schema,
    rules: BTreeMap<Name, TableRules>,
    /// Where the values that rules compare stand in inbox rows, by the tables that have an inbox.
    seats: BTreeMap<Name, Seats>,
}

/// The rules of a table. No rule is a rule that grants nothing.
#[derive(Clone, Debug)]
pub(crate) struct TableRules {
    pub(crate) read: Expression,
    pub(crate) insert: Expression,
    pub(crate) update: Expression,
    pub(crate) delete: Expression,
    pub(crate) check: Expression,
    /// The read rule as written; part of every view.
    pub(crate) read_text: String,
    /// What decides who reads the table's conflicts, as written.
    pub(crate) inbox_text: String,
    /// From whom columns are hidden.
    pub(crate) masks: Masks,
    /// The longest values of columns, where they are declared.
    pub(crate) lengths: BTreeMap<Name, u32>,
}

impl Catalog {
    /// Checks the configuration against the schema and puts them together.
    pub fn new(mut schema: Schema, tables: &BTreeMap<String, TableConfig>) -> Result<Self, ConfigError> {
        let is_unknown =
            |name: &&String| !schema.tables.contains_key(name.as_str()) || *name == swain_core::inbox::TABLE;
        if let Some(name) = tables.keys().find(is_unknown) {
            return Err(ConfigError::UnknownTable { table: name.clone() });
        }
        schema.tables.retain(|name, _| tables.contains_key(name.as_str()));
        let mut rules = BTreeMap::new();
        for (name, config) in tables {
            let table = &schema.tables[name.as_str()];
            rules.insert(table.name.clone(), TableRules::read(&schema, table, config)?);
        }
        for (name, config) in tables {
            let table = schema.tables.get_mut(name.as_str()).expect("unknown tables were refused");
            configure(table, config, &rules[name.as_str()])?;
        }
        for (name, config) in tables {
            refer(&mut schema, name, config)?;
        }
        let seats = inbox::add(&mut schema, &mut rules, tables)?;
        for rule in rules.values() {
            index_selections(&mut schema, &rule.read);
        }
        Ok(Self { schema, rules, seats })
    }

    /// The rules of a table of the schema.
    pub(crate) fn rules(&self, table: &Name) -> &TableRules {
        self.rules.get(table).expect("every table of the schema has rules")
    }

    /// What a user may read of a table, by its read rule.
    pub(crate) fn readable(&self, table: &Name, auth: &Auth) -> Expression {
        self.rules(table).read.bind(auth)
    }

    /// A shape's view for a user (spec R7).
    pub(crate) fn view(&self, shape: &Shape, auth: &Auth) -> String {
        let table = self.schema.tables.get(&shape.table).expect("the shape was checked");
        let table = table_for(table, &self.hidden(&shape.table, auth));
        let rules = self.rules(&shape.table);
        let mut rule = rules.read_text.clone();
        // What happened to a table that the rule asks may not all be in the log: then who may read what is asked anew.
        self.write_generations(&rules.read, &mut rule);
        shape.view(auth, &rule, &table)
    }

    fn write_generations(&self, rule: &Expression, out: &mut String) {
        rule.selections(&mut |_, selection| {
            let generation = self.schema.tables.get(&selection.table).map_or(0, |table| table.generation);
            if generation > 0 {
                out.push_str(&format!("\n{}: {generation}", selection.table));
            }
            self.write_generations(&selection.condition, out);
        });
    }
}

impl TableRules {
    fn read(schema: &Schema, table: &Table, config: &TableConfig) -> Result<Self, ConfigError> {
        let parse = |rule: &'static str, text: &str| {
            parse_rule(schema, table, text).map_err(|error| ConfigError::Rule {
                table: table.name.to_string(),
                rule: rule.to_owned(),
                text: text.to_owned(),
                error,
            })
        };
        let own = |rule, text: &Option<String>| match (text, &config.write) {
            (Some(text), _) => parse(rule, text),
            (None, Some(write)) => parse("write", write),
            (None, None) => Ok(Expression::Constant(false)),
        };
        let rules = Self {
            read: config.read.as_deref().map_or(Ok(Expression::Constant(false)), |text| parse("read", text))?,
            insert: own("insert", &config.insert)?,
            update: own("update", &config.update)?,
            delete: own("delete", &config.delete)?,
            check: config.check.as_deref().map_or(Ok(Expression::Constant(true)), |text| parse("check", text))?,
            read_text: config.read.clone().unwrap_or_default(),
            inbox_text: inbox_text(config),
            masks: Masks::read(schema, table, config)?,
            lengths: read_lengths(table, config)?,
        };
        rules.masks.check(table, &rules.read)?;
        Ok(rules)
    }
}

fn inbox_text(config: &TableConfig) -> String {
    let update = config.update.as_ref().or(config.write.as_ref());
    let rules = [&config.read, &update.cloned()].map(|rule| rule.clone().unwrap_or_default());
    let masks = config.hidden.iter().flat_map(|(column, mask)| [column.clone(), mask.clone()]);
    rules.into_iter().chain(masks).collect::<Vec<_>>().join("\n")
}

/// Changes of the tables that a rule looks into are found by the columns that its selections compare.
fn index_selections(schema: &mut Schema, rule: &Expression) {
    rule.selections(&mut |_, selection| {
        if let Some(table) = schema.tables.get_mut(&selection.table) {
            table.scopes.extend(selection.condition.auth_columns());
        }
        index_selections(schema, &selection.condition);
    });
}

fn configure(table: &mut Table, config: &TableConfig, rules: &TableRules) -> Result<(), ConfigError> {
    let name = table.name.to_string();
    let check = |table: &Table, key, column: &str| match table.columns.contains_key(column) {
        true => Ok(Name::from(column)),
        false => Err(ConfigError::UnknownColumn { table: name.clone(), key, column: column.to_owned() }),
    };
    table.scopes = rules.read.auth_columns();
    for scope in &config.scopes {
        let column = check(table, "scopes", scope)?;
        table.scopes.insert(column);
    }
    for (column, fill) in &config.fill {
        let column = check(table, "fill", column)?;
        if table.key.contains(&column) {
            return Err(ConfigError::FilledKey { table: name.clone(), column: column.to_string() });
        }
        table.fills.insert(column, read_fill(&name, fill)?);
    }
    match config.ids.as_deref() {
        None => {}
        Some("device") => table.ids = Ids::Device,
        Some("server") if table.can_give_ids() => table.ids = Ids::Server,
        Some("server") => return Err(ConfigError::NoIds { table: name.clone() }),
        Some(other) => return Err(unknown(&name, "ids", other, "server, device")),
    }
    match config.on_delete.as_deref() {
        None | Some("delete-wins") => {}
        Some("update-wins") => table.on_delete = OnDelete::UpdateWins,
        Some("manual") => table.on_delete = OnDelete::Manual,
        Some(other) => return Err(unknown(&name, "on_delete", other, "delete-wins, update-wins, manual")),
    }
    for unique in &config.unique {
        let columns = unique.iter().map(|column| check(table, "unique", column)).collect::<Result<Vec<_>, _>>()?;
        if !columns.is_empty() && table.unique(&columns).is_none() {
            table.uniques.push(columns);
        }
    }
    table.uniques.sort();
    for (column, settings) in &config.columns {
        let column = check(table, "columns", column)?;
        if let Some(strategy) = &settings.strategy {
            let kind = table.columns[&column].kind;
            let strategy = read_strategy(&name, strategy, settings)?;
            if !strategy.fits(kind) {
                let (column, strategy) = (column.to_string(), settings.strategy.clone().unwrap_or_default());
                return Err(ConfigError::UnfitStrategy { table: name, column, strategy, kind: kind.as_str() });
            }
            if strategy.needs_base() {
                table.whole.insert(column.clone());
            }
            table.strategies.insert(column, strategy);
        } else if settings.separator.is_some() {
            return Err(unknown(&name, "separator", "separator", "the settings of strategy = \"concat\""));
        }
    }
    Ok(())
}

fn read_lengths(table: &Table, config: &TableConfig) -> Result<BTreeMap<Name, u32>, ConfigError> {
    let mut lengths = BTreeMap::new();
    for (column, settings) in &config.columns {
        // A column that is not there is found by who reads the rest of its settings.
        let (Some(length), Some(found)) = (settings.max_length, table.columns.get(column.as_str())) else { continue };
        if !matches!(found.kind, ColumnType::Text | ColumnType::Bytes) {
            let (table, kind) = (table.name.to_string(), found.kind.as_str());
            return Err(ConfigError::NoLength { table, column: column.clone(), kind });
        }
        lengths.insert(Name::from(column.as_str()), length);
    }
    Ok(lengths)
}

/// Adds what the configuration declares, and leaves out what names a table that is not synced.
fn refer(schema: &mut Schema, name: &str, config: &TableConfig) -> Result<(), ConfigError> {
    let mut references = schema.tables[name].references.clone();
    for (column, to) in &config.references {
        let Some(parent) = schema.tables.get(to.as_str()) else {
            return Err(ConfigError::UnknownTable { table: to.clone() });
        };
        if !schema.tables[name].columns.contains_key(column.as_str()) {
            let (table, column) = (name.to_owned(), column.clone());
            return Err(ConfigError::UnknownColumn { table, key: "references", column });
        }
        if parent.key.len() != 1 {
            return Err(ConfigError::WideReference { table: name.to_owned(), to: to.clone() });
        }
        references.push(Reference { columns: vec![Name::from(column.as_str())], table: parent.name.clone() });
    }
    references.retain(|reference| schema.tables.contains_key(&reference.table));
    references.sort();
    references.dedup();
    schema.tables.get_mut(name).expect("it was just there").references = references;
    Ok(())
}

fn read_fill(table: &str, value: &str) -> Result<Fill, ConfigError> {
    match value {
        "auth.id" => Ok(Fill::AuthId),
        "time" => Ok(Fill::Time),
        _ => Err(unknown(table, "fill", value, "auth.id, time")),
    }
}

fn read_strategy(table: &str, value: &str, settings: &ColumnConfig) -> Result<Strategy, ConfigError> {
    if let Some(separator) = settings.separator.as_deref().filter(|text| value != "concat" || text.is_empty()) {
        return Err(unknown(table, "separator", separator, "a text, with strategy = \"concat\""));
    }
    match value {
        "last-write-wins" => Ok(Strategy::LastWriteWins),
        "arrival" => Ok(Strategy::Arrival),
        "server-wins" => Ok(Strategy::ServerWins),
        "client-wins" => Ok(Strategy::ClientWins),
        "max" => Ok(Strategy::Max),
        "min" => Ok(Strategy::Min),
        "union" => Ok(Strategy::Union),
        "concat" => Ok(Strategy::Concat(settings.separator.clone().unwrap_or_else(|| "\n".into()))),
        "merge" => Ok(Strategy::Merge),
        "text" => Ok(Strategy::Text),
        "manual" => Ok(Strategy::Manual),
        _ => Err(unknown(table, "strategy", value, STRATEGIES)),
    }
}

const STRATEGIES: &str =
    "last-write-wins, arrival, server-wins, client-wins, max, min, union, concat, merge, text, manual";

fn unknown(table: &str, key: &'static str, value: &str, allowed: &'static str) -> ConfigError {
    ConfigError::UnknownValue { table: table.to_owned(), key, value: value.to_owned(), allowed }
}
