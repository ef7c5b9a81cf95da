//! The application's tables as SQLite describes them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use swain_core::{Column, ColumnType, Ids, Name, Reference, Schema, Table};

use crate::failure::Failure;
use crate::inbox;

/// The schema of all application tables, or of those named.
pub(crate) fn introspect(conn: &Connection, names: Option<&[Name]>) -> Result<Schema, Failure> {
    let mut present = application_tables(conn)?;
    let wanted = names.map_or(present.clone(), <[Name]>::to_vec);
    present.extend(inbox::name_if_there(conn)?);
    let mut tables = BTreeMap::new();
    for name in wanted {
        if !present.contains(&name) {
            return Err(Failure::unusable(format!("the database has no table '{name}'")));
        }
        tables.insert(name.clone(), introspect_table(conn, name)?);
    }
    let references = tables.values().map(|table| Ok((table.name.clone(), references(conn, table, &tables)?)));
    for (name, references) in references.collect::<Result<Vec<_>, Failure>>()? {
        tables.get_mut(&name).expect("it was just read").references = references;
    }
    Ok(Schema { version: 0, tables })
}

fn application_tables(conn: &Connection) -> Result<Vec<Name>, Failure> {
    // Shadow and virtual tables have another type.
    let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
               AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'swain_*' ORDER BY name";
    let mut statement = conn.prepare(sql)?;
    let names = statement.query_map([], |row| Ok(Name::from(row.get_ref(0)?.as_str()?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn introspect_table(conn: &Connection, name: Name) -> Result<Table, Failure> {
    let sql = "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?1)";
    let mut statement = conn.prepare(sql)?;
    let described = statement.query_map([name.as_str()], Described::read)?.collect::<Result<Vec<_>, _>>()?;
    let mut key: Vec<&Described> = described.iter().filter(|column| column.key_place > 0).collect();
    key.sort_by_key(|column| column.key_place);
    if key.is_empty() {
        return Err(Failure::unusable(format!("table '{name}' has no PRIMARY KEY; add one, or leave the table out")));
    }
    let has_rowid = is_rowid_table(conn, &name)?;
    let alias = matches!(key.as_slice(), [only] if has_rowid && only.declared.eq_ignore_ascii_case("INTEGER"));
    let key = key.iter().map(|column| column.name.clone()).collect();
    let columns = described.iter().map(|column| (column.name.clone(), column.column(alias)));
    let uniques = uniques(conn, &name)?;
    let mut table = Table::new(name, columns.collect(), key);
    // SQLite draws an INTEGER PRIMARY KEY that is left out.
    table.ids = if alias { Ids::Server } else { Ids::Device };
    table.uniques = uniques;
    Ok(table)
}

/// Unique keys of whole columns that hold for every row.
fn uniques(conn: &Connection, table: &str) -> Result<Vec<Vec<Name>>, Failure> {
    let sql =
        "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND origin <> 'pk' AND NOT partial ORDER BY name";
    let mut statement = conn.prepare(sql)?;
    let indexes: Vec<String> = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut statement = conn.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    let mut uniques = BTreeSet::new();
    for index in indexes {
        let columns = statement.query_map([index], |row| Ok(row.get_ref(0)?.as_str_or_null()?.map(Name::from)))?;
        // An expression has no name.
        uniques.extend(columns.collect::<Result<Option<Vec<_>>, _>>()?);
    }
    Ok(uniques.into_iter().collect())
}

/// Columns here, and the columns there that they name.
type Pairs = Vec<(Name, Option<Name>)>;

/// Foreign keys that name rows of the other tables by all of their key.
fn references(conn: &Connection, table: &Table, tables: &BTreeMap<Name, Table>) -> Result<Vec<Reference>, Failure> {
    let sql = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    let mut statement = conn.prepare(sql)?;
    // By number, with the table that is named.
    let mut keys: BTreeMap<i64, (Name, Pairs)> = BTreeMap::new();
    let mut rows = statement.query([table.name.as_str()])?;
    while let Some(row) = rows.next()? {
        let name = |place| Ok::<_, rusqlite::Error>(row.get_ref(place)?.as_str_or_null()?.map(Name::from));
        let (Some(parent), Some(from)) = (name(1)?, name(2)?) else { continue };
        let (_, pairs) = keys.entry(row.get(0)?).or_insert_with(|| (parent, Vec::new()));
        pairs.push((from, name(3)?));
    }
    let references = keys.into_values().filter_map(|(parent, pairs)| {
        // SQLite finds tables and columns whatever their case.
        let parent = tables.values().find(|table| table.name.eq_ignore_ascii_case(&parent))?;
        let pairs: Option<Vec<(Name, Name)>> = pairs
            .into_iter()
            .enumerate()
            .map(|(place, (from, to))| {
                let here = column_of(table, &from)?;
                // A foreign key that names no columns means the primary key.
                let there = match to {
                    Some(to) => column_of(parent, &to)?,
                    None => parent.key.get(place)?.clone(),
                };
                Some((here, there))
            })
            .collect();
        Reference::to(parent, &pairs?)
    });
    Ok(references.collect::<BTreeSet<_>>().into_iter().collect())
}

fn column_of(table: &Table, name: &Name) -> Option<Name> {
    table.columns.keys().find(|column| column.eq_ignore_ascii_case(name)).cloned()
}

fn is_rowid_table(conn: &Connection, name: &str) -> Result<bool, Failure> {
    let mut statement = conn.prepare("SELECT NOT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0))?)
}

struct Described {
    name: Name,
    declared: String,
    not_null: bool,
    has_default: bool,
    key_place: i64,
    generated: bool,
}

impl Described {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self, rusqlite::Error> {
        let hidden: i64 = row.get(5)?;
        Ok(Self {
            name: Name::from(row.get_ref(0)?.as_str()?),
            declared: row.get(1)?,
            not_null: row.get(2)?,
            has_default: row.get(3)?,
            key_place: row.get(4)?,
            // 2: VIRTUAL, 3: STORED.
            generated: matches!(hidden, 2 | 3),
        })
    }

    /// A key column is never null for Swain, although SQLite allows it in some keys.
    /// The alias of the rowid is filled by SQLite when it is left out.
    fn column(&self, key_is_rowid: bool) -> Column {
        let in_key = self.key_place > 0;
        Column {
            kind: column_type(&self.declared),
            nullable: !self.not_null && !in_key,
            has_default: self.has_default || (in_key && key_is_rowid),
            generated: self.generated,
        }
    }
}

/// The type of a declared name, after SQLite's own rules for affinity, with the names that SQLite gives no meaning.
pub(crate) fn column_type(declared: &str) -> ColumnType {
    known_type(declared).unwrap_or(ColumnType::Text)
}

/// The same; none when the name says nothing.
pub(crate) fn known_type(declared: &str) -> Option<ColumnType> {
    let declared = declared.to_ascii_uppercase();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| declared.starts_with(prefix));
    let holds = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if begins(&["BOOL"]) {
        Some(ColumnType::Bool)
    } else if begins(&["JSON"]) {
        Some(ColumnType::Json)
    } else if begins(&["DATE", "TIME"]) {
        Some(ColumnType::Time)
    } else if holds(&["INT"]) {
        Some(ColumnType::Int64)
    } else if holds(&["CHAR", "CLOB", "TEXT"]) {
        Some(ColumnType::Text)
    } else if holds(&["BLOB"]) {
        Some(ColumnType::Bytes)
    } else if holds(&["REAL", "FLOA", "DOUB"]) {
        Some(ColumnType::Float64)
    } else if begins(&["DECIMAL", "NUMERIC"]) {
        Some(ColumnType::Decimal)
    } else {
        None
    }
}
