//! What makes rows of a table collide: its key and its unique indexes.

use rusqlite::Connection;
use swain_core::{ColumnType, Name};

use super::changes;
use crate::failure::Failure;
use crate::layout::{TableLayout, quote};

/// All of a table.
pub(super) struct Uniques {
    pub(super) all: Vec<Unique>,
    /// The key is an INTEGER PRIMARY KEY, which SQLite draws when it is left out.
    pub(super) key_is_rowid: bool,
}

/// A key or unique index.
pub(super) struct Unique {
    parts: Vec<Part>,
}

enum Part {
    Column { name: String, collation: String },
    Expression { sql: String, collation: String, columns: Vec<String> },
}

impl Unique {
    /// The condition that a row holds the values of NEW. A partial index is treated as a whole one: who is noted without
    /// having been replaced is found unchanged.
    pub(super) fn holds_new(&self) -> String {
        self.parts.iter().map(Part::holds_new).collect::<Vec<_>>().join(" AND ")
    }

    /// The same, if the update changes these values at all.
    pub(super) fn newly_holds_new(&self) -> String {
        let changed: Option<Vec<_>> = self.parts.iter().map(Part::changes).collect();
        match changed {
            Some(changed) => format!("({}) AND {}", changed.join(" OR "), self.holds_new()),
            None => self.holds_new(),
        }
    }
}

impl Part {
    fn holds_new(&self) -> String {
        match self {
            Self::Column { name, collation } => {
                let name = quote(name);
                format!("{name} COLLATE {} = NEW.{name}", quote(collation))
            }
            Self::Expression { sql, collation, columns } => {
                let new: Vec<_> = columns.iter().map(|name| format!("NEW.{0} AS {0}", quote(name))).collect();
                format!("({sql}) COLLATE {} = (SELECT {sql} FROM (SELECT {}))", quote(collation), new.join(", "))
            }
        }
    }

    fn changes(&self) -> Option<String> {
        match self {
            Self::Column { name, .. } => Some(changes(&quote(name))),
            Self::Expression { .. } => None,
        }
    }
}

pub(super) fn uniques(conn: &Connection, table: &TableLayout) -> Result<Uniques, Failure> {
    let mut statement = conn.prepare(
        "SELECT l.name, s.sql FROM pragma_index_list(?1) l LEFT JOIN sqlite_schema s ON s.name = l.name
                      WHERE l.\"unique\" ORDER BY l.name",
    )?;
    let indexes: Vec<(String, Option<String>)> =
        statement.query_map([table.name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let rowid_key = rowid_key(conn, table)?;
    let key_is_rowid = rowid_key.is_some();
    let mut all: Vec<Unique> = rowid_key.into_iter().collect();
    for (name, sql) in indexes {
        all.push(index(conn, table, &name, sql.as_deref())?);
    }
    Ok(Uniques { all, key_is_rowid })
}

/// An INTEGER PRIMARY KEY has no index of its own.
fn rowid_key(conn: &Connection, table: &TableLayout) -> Result<Option<Unique>, Failure> {
    let has_index: bool = conn
        .prepare("SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')")?
        .query_row([table.name.as_str()], |row| row.get(0))?;
    let part = |(name, _): &(Name, ColumnType)| Part::Column { name: name.to_string(), collation: "BINARY".into() };
    Ok((!has_index).then(|| Unique { parts: table.key_columns().map(part).collect() }))
}

fn index(conn: &Connection, table: &TableLayout, name: &str, sql: Option<&str>) -> Result<Unique, Failure> {
    let mut statement = conn.prepare("SELECT name, coll FROM pragma_index_xinfo(?1) WHERE \"key\" ORDER BY seqno")?;
    let terms: Vec<(Option<String>, String)> =
        statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let texts = sql.map(terms_of).unwrap_or_default();
    let columns: Vec<String> = all_columns(conn, table)?;
    let parts = terms.into_iter().enumerate().map(|(place, (column, collation))| match column {
        Some(name) => Ok(Part::Column { name, collation }),
        None => match texts.get(place) {
            Some(sql) => Ok(Part::Expression { sql: sql.clone(), collation, columns: columns.clone() }),
            None => Err(Failure::unusable(format!(
                "the expression of unique index '{name}' on table '{}' cannot be read; make it an index on columns",
                table.name
            ))),
        },
    });
    Ok(Unique { parts: parts.collect::<Result<_, _>>()? })
}

fn all_columns(conn: &Connection, table: &TableLayout) -> Result<Vec<String>, Failure> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_xinfo(?1) ORDER BY cid")?;
    Ok(statement.query_map([table.name.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// The terms between the outer brackets of a CREATE INDEX text, without ASC and DESC.
fn terms_of(sql: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    for letter in sql.chars() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(letter),
            (None, '[') => quote = Some(']'),
            (None, '(') => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            (None, ')') => depth -= 1.min(depth),
            (None, ',') if depth == 1 => {
                terms.push(String::new());
                continue;
            }
            (None, _) => {}
        }
        match (depth, terms.last_mut()) {
            (0, _) if letter == ')' && quote.is_none() => break,
            (0, _) | (_, None) => {}
            (_, Some(term)) => term.push(letter),
        }
    }
    terms.iter().map(|term| without_direction(term.trim())).collect()
}

fn without_direction(term: &str) -> String {
    let last = term.rsplit(char::is_whitespace).next().unwrap_or_default();
    let directed = last.eq_ignore_ascii_case("asc") || last.eq_ignore_ascii_case("desc");
    term[..term.len() - if directed { last.len() } else { 0 }].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::terms_of;

    #[test]
    fn terms_of_an_index_are_split_at_the_outer_commas() {
        let sql = "CREATE UNIQUE INDEX \"i (x\" ON t (lower(a, ','), b DESC, substr(c, 1, (2))) WHERE (a > 1)";

        assert_eq!(terms_of(sql), ["lower(a, ',')", "b", "substr(c, 1, (2))"]);
    }
}
