//! Columns, types and keys that the rows show.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use serde_json::{Map, Value};

use super::{Draft, DraftColumn, DraftTable, Kind};

/// Adds what the rows show to what is known, and checks that tables can be made of it.
pub(super) fn complete(draft: &mut Draft) -> anyhow::Result<()> {
    let Draft { tables, guesses, .. } = draft;
    if tables.is_empty() {
        bail!("there is no table in it");
    }
    for table in tables.iter_mut() {
        check_names(table)?;
        complete_columns(table, guesses);
        if table.key.is_empty() {
            find_key(table, guesses);
        }
        check_keys(table)?;
    }
    let counted: BTreeMap<String, bool> = tables.iter().map(|table| (table.name.clone(), is_counted(table))).collect();
    for table in tables {
        find_references(table, &counted, guesses);
    }
    Ok(())
}

/// SQLite takes names without regard to case.
fn check_names(table: &DraftTable) -> anyhow::Result<()> {
    let name = &table.name;
    if name.is_empty() || name.to_lowercase().starts_with("swain_") || name.to_lowercase().starts_with("sqlite_") {
        bail!("'{name}' cannot be the name of a table");
    }
    let mut seen = BTreeMap::new();
    for column in table.rows.iter().flat_map(Map::keys) {
        let other = seen.entry(column.to_lowercase()).or_insert(column);
        if *other != column {
            bail!("table '{name}' has '{other}' and '{column}', which are one name in SQL; rename one");
        }
        if column.is_empty() {
            bail!("table '{name}' has a column without a name");
        }
    }
    Ok(())
}

fn complete_columns(table: &mut DraftTable, guesses: &mut Vec<String>) {
    let DraftTable { rows, columns, name, key, .. } = table;
    // In the order in which the rows bring them.
    let mut seen = BTreeSet::new();
    let names: Vec<String> =
        rows.iter().flat_map(Map::keys).filter(|column| seen.insert((*column).clone())).cloned().collect();
    for column in names {
        let values = || rows.iter().filter_map(|row| row.get(&column)).filter(|value| !value.is_null());
        let mut kinds: BTreeSet<u8> = BTreeSet::new();
        let mut kind = None;
        for value in values() {
            let this = kind_of(value);
            kind = Some(kind.map_or(this, |kind| join(kind, this)));
            kinds.insert(this as u8);
        }
        let not_null = values().count() == rows.len();
        if values().any(|value| value.as_str().is_some_and(|text| text.contains('\0'))) {
            guesses.push(format!("{name}.{column} has a text with a NUL in it: devices get it as bytes"));
        }
        let kind = kind.unwrap_or_else(|| {
            guesses.push(format!("{name}.{column} is null in every row: TEXT"));
            Kind::Text
        });
        if kind == Kind::Json && kinds.len() > 1 {
            guesses.push(format!("{name}.{column} holds values of several types: JSON"));
        }
        match columns.iter_mut().find(|known| known.name == column) {
            // A key that the schema calls a whole number stays one.
            Some(known) => *known = DraftColumn { kind, not_null, name: column, readonly: false },
            None => columns.push(DraftColumn { name: column, kind, not_null, readonly: false }),
        }
    }
    columns.sort_by_key(|column| !key.contains(&column.name));
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Boolean,
        Value::Number(number) if number.is_i64() => Kind::Integer,
        Value::Number(_) => Kind::Real,
        Value::String(text) if is_date(text) => Kind::Date,
        Value::String(text) if is_timestamp(text) => Kind::Timestamp,
        Value::Null | Value::String(_) => Kind::Text,
        Value::Array(_) | Value::Object(_) => Kind::Json,
    }
}

/// The narrowest type that holds both.
fn join(a: Kind, b: Kind) -> Kind {
    use Kind::{Date, Integer, Json, Real, Text, Timestamp};
    match (a, b) {
        (a, b) if a == b => a,
        (Integer | Real, Integer | Real) => Real,
        (Date | Timestamp, Date | Timestamp) => Timestamp,
        (Date | Timestamp | Text, Date | Timestamp | Text) => Text,
        _ => Json,
    }
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |place: usize| bytes[place].is_ascii_digit();
    bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' && [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(digit)
}

fn is_timestamp(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    let clock = time.as_bytes();
    let is_clock = clock.len() >= 6 && matches!(clock[0], b'T' | b' ') && clock[3] == b':' && clock[1].is_ascii_digit();
    is_date(date) && is_clock && clock[1..].iter().all(|byte| byte.is_ascii_digit() || b":.+-Z".contains(byte))
}

/// What names the rows: a column called so, else one that could, else a new one.
fn find_key(table: &mut DraftTable, guesses: &mut Vec<String>) {
    let name = &table.name;
    let singular = name.strip_suffix('s').unwrap_or(name);
    let called = ["id", "_id", "uuid", "key", &format!("{singular}_id"), &format!("{singular}Id")].map(str::to_owned);
    let by_name = called.iter().find(|column| could_be_key(table, column));
    if let Some(column) = by_name {
        table.key = vec![column.clone()];
        return;
    }
    let candidates = table.columns.iter().map(|column| &column.name).filter(|column| could_be_key(table, column));
    if let (Some(column), true) = (candidates.clone().next(), table.rows.len() > 1) {
        guesses.push(format!("{name}: {column} names a row, because its values are all different"));
        table.key = vec![column.clone()];
        return;
    }
    let taken = |column: &str| table.columns.iter().any(|known| known.name.eq_ignore_ascii_case(column));
    let column = ["id", "row_id", "swain_row_id"].into_iter().find(|column| !taken(column)).unwrap_or("row_key");
    guesses.push(format!("{name}: no column names a row; {column} was added, the database counts it"));
    table
        .columns
        .insert(0, DraftColumn { name: column.to_owned(), kind: Kind::Integer, not_null: true, readonly: false });
    table.key = vec![column.to_owned()];
}

fn could_be_key(table: &DraftTable, column: &str) -> bool {
    let Some(known) = table.columns.iter().find(|known| known.name == column) else { return false };
    let mut seen = BTreeSet::new();
    let is_scalar = matches!(known.kind, Kind::Integer | Kind::Text);
    is_scalar && known.not_null && table.rows.iter().all(|row| seen.insert(text_of(row.get(column))))
}

fn text_of(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

/// Rows that the keys do not tell apart would stop the import in the middle.
fn check_keys(table: &DraftTable) -> anyhow::Result<()> {
    let drawn = matches!(table.key.as_slice(), [only] if table.columns.iter().any(|column| column.name == *only && column.kind == Kind::Integer));
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (place, row) in table.rows.iter().enumerate() {
        let key: Vec<String> = table.key.iter().map(|column| text_of(row.get(column))).collect();
        let is_missing = table.key.iter().any(|column| row.get(column).is_none_or(Value::is_null));
        match (is_missing, drawn) {
            (true, true) => continue,
            (true, false) => bail!("{}[{place}] has no {}, which names the row", table.name, table.key.join(", ")),
            (false, _) => {}
        }
        if let Some(first) = seen.insert(key, place) {
            let key = table.key.join(", ");
            bail!("{}[{place}] has the same {key} as {}[{first}]", table.name, table.name);
        }
    }
    Ok(())
}

/// The database gives the ids, and a device uses temporary ones until it knows.
fn is_counted(table: &DraftTable) -> bool {
    let is_key = |column: &&DraftColumn| table.key == [column.name.clone()];
    table.columns.iter().find(is_key).is_some_and(|column| column.kind == Kind::Integer)
}

/// `list_id` and `listId` look like the key of `lists`: they get an index, and follow counted ids.
fn find_references(table: &mut DraftTable, counted: &BTreeMap<String, bool>, guesses: &mut Vec<String>) {
    for column in &table.columns {
        let stem = column.name.strip_suffix("_id").or_else(|| column.name.strip_suffix("Id"));
        let Some(stem) = stem.filter(|stem| !stem.is_empty()) else { continue };
        let plural = [stem.to_lowercase(), format!("{}s", stem.to_lowercase())];
        let Some((target, counted)) = counted.iter().find(|(name, _)| plural.contains(&name.to_lowercase())) else {
            continue;
        };
        if *counted && column.kind == Kind::Integer && !table.key.contains(&column.name) {
            guesses
                .push(format!("{}.{} names a row of {target}: see references in swain.toml", table.name, column.name));
            table.references.push((column.name.clone(), target.clone()));
        }
        let is_first = |columns: &Vec<String>| columns.first() == Some(&column.name);
        let has_index = table.indexes.iter().chain(&table.uniques).chain([&table.key]).any(is_first);
        if !has_index {
            guesses.push(format!("{}.{} names a row of {target}: it got an index", table.name, column.name));
            table.indexes.push(vec![column.name.clone()]);
        }
    }
}
