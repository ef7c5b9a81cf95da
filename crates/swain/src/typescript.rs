//! TypeScript types of the synced tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use swain_core::{Column, ColumnType, Name, Table, inbox};
use swain_engine::Catalog;

/// How values that a number cannot hold are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// `number`, as nearly every application wants it.
    Plain,
    /// Everything that can come: a string beyond ±(2^53−1), a number in a column of times, infinity as text.
    Exact,
}

const HEAD: &str = "\
// Made by `swain types` from the database. Do not edit; make it again when the schema changes.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
";

/// The text of the file.
pub(crate) fn typescript(catalog: &Catalog, numbers: Numbers) -> String {
    let mut text = HEAD.to_owned();
    let mut taken = BTreeSet::from(["Json".to_owned(), "Tables".to_owned()]);
    let mut members = String::new();
    // The client knows the inbox by itself.
    for table in catalog.schema.tables.values().filter(|table| table.name.as_str() != inbox::TABLE) {
        let name = name_of(table, &mut taken);
        let masked = catalog.masked_columns(&table.name).collect();
        write_table(&mut text, table, &masked, &name, numbers);
        let quoted = property(&table.name);
        let _ = writeln!(members, "  readonly {quoted}: {{ row: {name}; insert: {name}Insert; key: {name}Key }};");
    }
    let _ = write!(text, "\n/** Every table by its name. */\nexport interface Tables {{\n{members}}}\n");
    text
}

fn write_table(text: &mut String, table: &Table, masked: &BTreeSet<&Name>, name: &str, numbers: Numbers) {
    let row = table.columns.iter().map(|(column, about)| {
        let readonly = if table.is_readonly(column) { "readonly " } else { "" };
        // Who does not see a column has rows without it.
        let optional = if masked.contains(column) { "?" } else { "" };
        format!("  {readonly}{}{optional}: {};\n", property(column), type_of(about, numbers))
    });
    let insert = table.columns.iter().filter(|(column, _)| !table.is_readonly(column)).map(|(column, about)| {
        let is_optional = masked.contains(column) || may_be_left_out(table, column, about);
        let optional = if is_optional { "?" } else { "" };
        format!("  {}{optional}: {};\n", property(column), type_of(about, numbers))
    });
    let (row, insert): (String, String) = (row.collect(), insert.collect());
    let keys: Vec<String> = table.key.iter().map(|key| type_of(&table.columns[key], numbers)).collect();
    let key = match keys.as_slice() {
        [one] => one.clone(),
        several => format!("readonly [{}]", several.join(", ")),
    };
    let called = &table.name;
    let _ = write!(text, "\n/** A row of `{called}`. */\nexport interface {name} {{\n{row}}}\n");
    let _ =
        write!(text, "\n/** What `insert` takes for `{called}`. */\nexport interface {name}Insert {{\n{insert}}}\n");
    let _ = write!(text, "\n/** What names a row of `{called}`. */\nexport type {name}Key = {key};\n");
}

/// The device draws a text key, the database what has a default or may be null.
fn may_be_left_out(table: &Table, name: &str, column: &Column) -> bool {
    let is_drawn = table.key.iter().any(|key| key.as_str() == name) && column.kind == ColumnType::Text;
    column.nullable || column.has_default || is_drawn
}

fn type_of(column: &Column, numbers: Numbers) -> String {
    let exact = numbers == Numbers::Exact;
    let kind = match column.kind {
        ColumnType::Bool => "boolean",
        ColumnType::Int64 | ColumnType::Time if exact => "number | string",
        ColumnType::Float64 if exact => "number | \"Infinity\" | \"-Infinity\"",
        ColumnType::Int64 | ColumnType::Float64 => "number",
        ColumnType::Decimal | ColumnType::Text | ColumnType::Bytes | ColumnType::Time => "string",
        // It has null already.
        ColumnType::Json => return "Json".to_owned(),
    };
    match column.nullable {
        true => format!("{kind} | null"),
        false => kind.to_owned(),
    }
}

/// `project_members` is `ProjectMembers`; a name that is taken gets a number.
fn name_of(table: &Table, taken: &mut BTreeSet<String>) -> String {
    let mut name = String::new();
    for word in table.name.split(|char: char| !char.is_ascii_alphanumeric()) {
        let mut chars = word.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name.insert_str(0, "Table");
    }
    let is_free = |name: &str| ["", "Insert", "Key"].iter().all(|ending| !taken.contains(&format!("{name}{ending}")));
    let mut free = name.clone();
    let mut number = 2;
    while !is_free(&free) {
        free = format!("{name}{number}");
        number += 1;
    }
    taken.extend(["", "Insert", "Key"].map(|ending| format!("{free}{ending}")));
    free
}

/// A member's name, quoted where TypeScript needs it.
fn property(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    match is_plain {
        true => name.to_owned(),
        false => serde_json::Value::from(name).to_string(),
    }
}
