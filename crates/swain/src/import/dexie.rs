//! A Dexie schema: the text of `db.version(n).stores({ … })`, and the interfaces of its rows where the file has them.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use super::{Draft, DraftColumn, DraftTable, Kind, infer};

/// Tables of one version: the schema's text, or none for a table that goes.
type Stores = Vec<(String, Option<String>)>;

pub(super) fn read(text: &str) -> anyhow::Result<Draft> {
    let text = without_comments(text);
    let mut stores: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut versions: Vec<(u64, Stores)> = Vec::new();
    for part in text.split(".version(").skip(1) {
        let Some((number, rest)) = part.split_once(')') else { continue };
        let number = number.trim().parse().unwrap_or(0);
        let Some((_, rest)) = rest.split_once(".stores(") else { continue };
        versions.push((number, read_stores(rest)?));
    }
    if versions.is_empty() {
        bail!("there is no db.version(1).stores({{ … }}) in it");
    }
    // A later version says only what it changes.
    versions.sort_by_key(|(number, _)| *number);
    stores.extend(versions.into_iter().flat_map(|(_, tables)| tables));

    let interfaces = interfaces(&text);
    let mut draft = Draft::default();
    for (name, schema) in stores {
        // null takes a table out.
        let Some(schema) = schema else { continue };
        let mut table = table(&name, &schema, &mut draft.guesses)?;
        match interface_of(&text, &name).and_then(|interface| interfaces.get(interface)) {
            Some(members) => add_members(&mut table, members),
            None => draft.guesses.push(format!(
                "{name}: only the columns that Dexie indexes are known; add the others to schema.sql, or use an export"
            )),
        }
        draft.tables.push(table);
    }
    infer::complete(&mut draft)?;
    Ok(draft)
}

/// One table's text: `++id, &email, *tags, [a+b]`.
pub(super) fn table(name: &str, schema: &str, guesses: &mut Vec<String>) -> anyhow::Result<DraftTable> {
    let mut table = DraftTable { name: name.to_owned(), ..DraftTable::default() };
    for (place, item) in schema.split(',').map(str::trim).enumerate() {
        let is_key = place == 0;
        let (marks, path) = item.split_at(item.find(|char| !"&*+".contains(char)).unwrap_or(item.len()));
        if path.is_empty() && !is_key {
            continue;
        }
        if path.is_empty() {
            guesses.push(format!("{name}: its keys are not in its rows; the column id was added"));
            table.column("id", if marks == "++" { Kind::Integer } else { Kind::Text }).not_null = true;
            table.key = vec!["id".to_owned()];
            continue;
        }
        let columns = columns_of(name, path)?;
        for column in &columns {
            let kind = match marks {
                "++" => Kind::Integer,
                _ if marks.contains('*') => Kind::Json,
                _ => kind_of_name(column),
            };
            let is_new = table.columns.iter().all(|known| known.name != *column);
            table.column(column, kind).not_null |= is_key;
            if is_new && marks != "++" && !marks.contains('*') && !is_key {
                guesses.push(format!("{name}.{column}: {kind:?} by its name"));
            }
        }
        match (is_key, marks) {
            (true, _) => table.key = columns,
            (false, marks) if marks.contains('&') => table.uniques.push(columns),
            // The values of a list have no index of their own in SQL.
            (false, marks) if marks.contains('*') => {}
            (false, _) => table.indexes.push(columns),
        }
    }
    if table.key.is_empty() {
        bail!("table '{name}' has no key");
    }
    Ok(table)
}

fn columns_of(table: &str, path: &str) -> anyhow::Result<Vec<String>> {
    let inner = path.strip_prefix('[').map(|inner| inner.trim_end_matches(']')).unwrap_or(path);
    let columns: Vec<String> = inner.split('+').map(|part| part.trim().to_owned()).collect();
    if let Some(column) = columns.iter().find(|column| column.contains('.') || column.is_empty()) {
        bail!("table '{table}': '{column}' is inside another value; a column of its own is needed for it");
    }
    Ok(columns)
}

/// Dexie's text has no types; names often tell.
fn kind_of_name(column: &str) -> Kind {
    let lower = column.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| column.ends_with(ending));
    if lower.ends_with("date") || ends(&["At", "_at", "_on"]) {
        Kind::Timestamp
    } else if ends(&["count", "Count", "number", "Number", "order", "Order", "age", "score", "version", "year"]) {
        Kind::Integer
    } else {
        Kind::Text
    }
}

/// `{ friends: "++id, name", old: null }`, up to the closing brace.
fn read_stores(text: &str) -> anyhow::Result<Stores> {
    let mut rest =
        text.trim_start().strip_prefix('{').context("stores( ) takes an object with one text for each table")?;
    let mut tables = Vec::new();
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == ',');
        if rest.starts_with('}') {
            return Ok(tables);
        }
        let (name, behind) = rest.split_once(':').context("stores({ … }) does not end")?;
        let name = name.trim().trim_matches(['"', '\'', '`']).to_owned();
        let behind = behind.trim_start();
        if let Some(behind) = behind.strip_prefix("null") {
            tables.push((name, None));
            rest = behind;
            continue;
        }
        let quote = behind.chars().next().filter(|quote| "\"'`".contains(*quote));
        let quote = quote.with_context(|| format!("the schema of '{name}' has to be a text, as in \"++id, name\""))?;
        let (schema, behind) = behind[1..].split_once(quote).context("a text does not end")?;
        if schema.contains("${") {
            bail!("the schema of '{name}' is put together at run time; write it out");
        }
        tables.push((name, Some(schema.to_owned())));
        rest = behind;
    }
}

/// Members of every `interface X { … }` and `type X = { … }`.
fn interfaces(text: &str) -> BTreeMap<&str, Vec<DraftColumn>> {
    let mut found = BTreeMap::new();
    for word in ["interface ", "type "] {
        for part in text.split(word).skip(1) {
            let name = part.split(|char: char| !(char.is_alphanumeric() || char == '_')).next().unwrap_or_default();
            let Some((_, body)) = part.split_once('{') else { continue };
            // Another declaration's body is not this one's.
            if part.find('{').is_some_and(|brace| part[..brace].contains(';')) || name.is_empty() {
                continue;
            }
            let body = &body[..closing(body)];
            found.entry(name).or_insert_with(|| members(body));
        }
    }
    found
}

/// Where the brace that is open closes.
fn closing(text: &str) -> usize {
    let mut depth = 1_usize;
    for (place, char) in text.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 1 => return place,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn members(body: &str) -> Vec<DraftColumn> {
    let mut depth = 0_i32;
    let ends = |char: char| {
        depth += i32::from("{([<".contains(char)) - i32::from("})]>".contains(char));
        depth == 0 && matches!(char, ';' | '\n' | ',')
    };
    let members = body.split(ends).filter_map(|member| member.split_once(':'));
    let columns = members.map(|(name, kind)| {
        let name = name.trim().trim_start_matches("readonly ").trim();
        let is_optional =
            name.ends_with('?') || kind.split('|').any(|part| matches!(part.trim(), "null" | "undefined"));
        let name = name.trim_end_matches('?').trim_matches(['"', '\'']).to_owned();
        let is_name = !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || char == '_');
        is_name.then(|| DraftColumn { kind: kind_of_type(&name, kind), not_null: !is_optional, readonly: false, name })
    });
    columns.flatten().collect()
}

fn kind_of_type(name: &str, kind: &str) -> Kind {
    let parts: Vec<&str> =
        kind.split('|').map(str::trim).filter(|part| !matches!(*part, "null" | "undefined")).collect();
    let is_text = |part: &&str| part.starts_with(['"', '\'']) || *part == "string";
    match parts.as_slice() {
        ["boolean"] | ["true", "false"] => Kind::Boolean,
        ["Date"] => Kind::Timestamp,
        ["number"] if name == "id" || name.ends_with("Id") || name.ends_with("_id") => Kind::Integer,
        ["number"] => match kind_of_name(name) {
            Kind::Integer => Kind::Integer,
            _ => Kind::Real,
        },
        ["bigint"] => Kind::Integer,
        parts if !parts.is_empty() && parts.iter().all(is_text) => match kind_of_name(name) {
            Kind::Timestamp => Kind::Timestamp,
            _ => Kind::Text,
        },
        _ => Kind::Json,
    }
}

/// `friends!: Table<Friend, number>` or `friends: EntityTable<Friend, "id">`.
fn interface_of<'a>(text: &'a str, table: &str) -> Option<&'a str> {
    let starts = text.match_indices(table).map(|(place, _)| (place, &text[place + table.len()..]));
    let declared =
        starts.filter(|(place, _)| !text[..*place].ends_with(|char: char| char.is_alphanumeric() || char == '_'));
    declared.into_iter().find_map(|(_, behind)| {
        let behind = behind.trim_start_matches(['!', '?']).trim_start().strip_prefix(':')?.trim_start();
        let behind = behind.strip_prefix("Dexie.").unwrap_or(behind);
        let behind = behind.strip_prefix("EntityTable<").or_else(|| behind.strip_prefix("Table<"))?;
        behind.trim_start().split(|char: char| !(char.is_alphanumeric() || char == '_')).next()
    })
}

fn add_members(table: &mut DraftTable, members: &[DraftColumn]) {
    let key = table.key.clone();
    for member in members {
        let in_key = key.contains(&member.name);
        let column = table.column(&member.name, member.kind);
        column.not_null = member.not_null || in_key;
        if !(in_key && column.kind == Kind::Integer) {
            column.kind = member.kind;
        }
    }
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some(place) = rest.find("/*") {
        kept.push_str(&rest[..place]);
        rest = rest[place..].split_once("*/").map_or("", |(_, behind)| behind);
    }
    kept.push_str(rest);
    let lines = kept.lines().map(|line| match line.find("//") {
        // An address in a text is no comment.
        Some(place) if !line[..place].ends_with(':') => &line[..place],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}
