//! Columns that some may not see (spec R12). For whom a column is hidden, it does not exist: not in rows, not in the schema,
//! not in filters, not in what is said of a write.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use swain_core::rule::{Auth, Expression};
use swain_core::{Name, Row, Schema, Table};

use super::{Catalog, ConfigError, TableConfig};
use crate::rule_parser::parse_mask;

/// The columns of a table that somebody does not see.
pub(crate) type Hidden = Arc<BTreeSet<Name>>;

/// From whom the columns of a table are hidden.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(BTreeMap<Name, Expression>);

impl fmt::Display for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (column, mask)) in self.0.iter().enumerate() {
            write!(f, "{}{column}: {mask}", if place == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl Masks {
    pub(super) fn read(schema: &Schema, table: &Table, config: &TableConfig) -> Result<Self, ConfigError> {
        let name = || table.name.to_string();
        let masks = config.hidden.iter().map(|(column, text)| {
            if !table.columns.contains_key(column.as_str()) {
                return Err(ConfigError::UnknownColumn { table: name(), key: "hidden", column: column.clone() });
            }
            let mask = parse_mask(schema, table, text).map_err(|error| ConfigError::Rule {
                table: name(),
                rule: format!("hidden.{column}"),
                text: text.clone(),
                error,
            })?;
            Ok((Name::from(column.as_str()), mask))
        });
        masks.collect::<Result<_, _>>().map(Self)
    }

    /// Who sees a row sees its key, and what the read rule compares: that the row is there would tell it.
    pub(super) fn check(&self, table: &Table, read: &Expression) -> Result<(), ConfigError> {
        let read = read.columns();
        for column in self.0.keys() {
            let why = match () {
                () if table.key.contains(column) => "it belongs to the key",
                () if read.contains(column) => "the read rule of the table compares it",
                () => continue,
            };
            return Err(ConfigError::NotHidden { table: table.name.to_string(), column: column.to_string(), why });
        }
        Ok(())
    }

    fn hidden(&self, auth: &Auth) -> BTreeSet<Name> {
        let hides = |mask: &Expression| {
            // Hidden unless it surely is not: a comparison with null spares nobody.
            !Expression::Not(Box::new(mask.bind(auth))).grants(&Row::default())
        };
        self.0.iter().filter(|(_, mask)| hides(mask)).map(|(column, _)| column.clone()).collect()
    }

    /// Columns that nobody sees.
    pub(super) fn from_all(columns: impl Iterator<Item = Name>) -> Self {
        Self(columns.map(|column| (column, Expression::Constant(true))).collect())
    }

    /// Each column that somebody does not see, with the condition.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Expression)> {
        self.0.iter()
    }

    fn claims(&self) -> impl Iterator<Item = Name> {
        self.0.values().flat_map(Expression::claims)
    }
}

impl Catalog {
    /// The columns of a table that somebody does not see.
    pub(crate) fn hidden(&self, table: &Name, auth: &Auth) -> Hidden {
        Arc::new(self.rules(table).masks.hidden(auth))
    }

    /// True when what is seen of the schema depends on who looks.
    pub(crate) fn has_masks(&self) -> bool {
        self.masked_tables().next().is_some()
    }

    /// The tables of which columns are hidden from somebody.
    pub(crate) fn masked_tables(&self) -> impl Iterator<Item = &Name> {
        self.rules.iter().filter(|(_, rules)| !rules.masks.0.is_empty()).map(|(name, _)| name)
    }

    /// The schema as somebody sees it.
    pub fn schema_for(&self, auth: &Auth) -> Cow<'_, Schema> {
        if !self.has_masks() {
            return Cow::Borrowed(&self.schema);
        }
        let seen = |table: &Table| table_for(table, &self.hidden(&table.name, auth)).into_owned();
        let tables = self.schema.tables.iter().map(|(name, table)| (name.clone(), seen(table))).collect();
        Cow::Owned(Schema { tables, ..self.schema.clone() })
    }

    /// The columns of a table that are hidden from somebody, whoever it is.
    pub fn masked_columns(&self, table: &Name) -> impl Iterator<Item = &Name> {
        self.rules(table).masks.0.keys()
    }

    /// The claims that rules and masks ask for. No other claim of a token says who may do what.
    pub fn claims(&self) -> BTreeSet<Name> {
        let of_rules = |rules: &super::TableRules| -> BTreeSet<Name> {
            let all = [&rules.read, &rules.insert, &rules.update, &rules.delete, &rules.check];
            all.into_iter().flat_map(Expression::claims).chain(rules.masks.claims()).collect()
        };
        self.rules.values().flat_map(of_rules).collect()
    }
}

/// A table as those see it from whom these columns are hidden.
pub(crate) fn table_for<'a>(table: &'a Table, hidden: &BTreeSet<Name>) -> Cow<'a, Table> {
    if hidden.is_empty() { Cow::Borrowed(table) } else { Cow::Owned(table.without(hidden)) }
}
