//! The application's tables as PostgreSQL describes them.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::{Column, Ids, Name, Schema, Table};

use crate::attach::{LeftOut, Remark, Surveyed};
use crate::connection::Session;
use crate::constraints::Rules;
use crate::failure::Failure;
use crate::layout::ColumnLayout;
use crate::wire::Kind;

/// A table, for the schema and for SQL.
pub(crate) struct Described {
    pub(crate) table: Table,
    /// The name in SQL, with its schema.
    pub(crate) sql_name: String,
    pub(crate) layout: BTreeMap<Name, ColumnLayout>,
}

/// Tables, partitioned ones as a whole. Not: views, foreign tables, partitions, and what an extension brought.
/// A table of the schema `public` goes by its name, another by `schema.name`.
const COLUMNS: &str = "
    SELECT CASE WHEN n.nspname = 'public' OR (n.nspname = 'swain' AND c.relname = 'swain_inbox') THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
        quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS sql_name,
        a.attname::text, a.attnotnull, a.atthasdef OR a.attidentity <> '' AS has_default, a.attgenerated <> '' AS generated,
        CASE WHEN array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts
            THEN array_position(i.indkey::int2[], a.attnum) END AS place,
        a.atttypid,
        coalesce((SELECT collisdeterministic FROM pg_collation l WHERE l.oid = a.attcollation), true),
        CASE WHEN c.relpersistence = 'u' THEN 'unlogged'
            WHEN c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid) THEN 'inherited'
            WHEN row_security_active(c.oid) THEN 'row security' ELSE '' END,
        CASE WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN pg_get_userbyid(c.relowner)::text END
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indisvalid
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
        AND (n.nspname NOT IN ('pg_catalog', 'information_schema', 'swain') OR c.relname = 'swain_inbox') AND n.nspname NOT LIKE 'pg\\_%'
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, a.attnum";

/// A type, what it is made of, and whether it has its own way into JSON.
const TYPES: &str = "
    SELECT t.oid, t.typname::text, n.nspname::text, t.typtype, t.typbasetype,
        CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc THEN t.typelem ELSE 0 END AS item,
        quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS sql_type,
        EXISTS (
            SELECT FROM pg_cast
            WHERE castsource = t.oid AND casttarget = 'json'::regtype AND castmethod = 'f') AS has_json_cast
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = ANY ($1)";

/// What is no table, for the survey.
const OTHERS: &str = "
    SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END, c.relkind = 'f'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'swain') AND n.nspname NOT LIKE 'pg\\_%'
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

/// The schema of all application tables, or of those named.
pub(crate) async fn introspect(
    session: &Session,
    names: Option<&[Name]>,
) -> Result<(BTreeMap<Name, Described>, Rules), Failure> {
    let mut tables = read_tables(session).await?;
    if let Some(names) = names {
        if let Some(missing) = names.iter().find(|name| !tables.contains_key(*name)) {
            return Err(Failure::unusable(format!("the database has no table '{missing}'")));
        }
        tables.retain(|name, _| names.contains(name));
    } else {
        tables.remove(swain_core::inbox::TABLE);
    }
    let types = Types::of(session, &tables).await?;
    let rules = Rules::read(session).await?;
    let described = tables.into_iter().map(|(name, columns)| match describe(&name, columns, &types, &rules) {
        Ok(described) => Ok((name, described)),
        Err(left_out) => Err(Failure::unusable(format!("table '{name}' cannot be synced: {left_out}"))),
    });
    let mut described: BTreeMap<Name, Described> = described.collect::<Result<_, Failure>>()?;
    let tables = schema(&described).tables;
    for (name, described) in &mut described {
        described.table.references = rules.references(name, &tables);
    }
    Ok((described, rules))
}

/// All application tables, views and foreign tables, and which of them can be synced.
pub(crate) async fn survey_tables(session: &Session) -> Result<Vec<Surveyed>, Failure> {
    let tables = read_tables(session).await?;
    let types = Types::of(session, &tables).await?;
    let mut surveyed = BTreeMap::new();
    for (name, columns) in tables {
        let generated = columns.iter().filter(|column| column.generated);
        let mut remarks: Vec<Remark> = generated.map(|column| Remark::Generated(column.name.clone())).collect();
        remarks.extend(columns.iter().find_map(|column| column.owner.clone()).map(Remark::Owner));
        let left_out = describe(&name, columns, &types, &Rules::default()).err();
        surveyed.insert(name.clone(), Surveyed { name, left_out, remarks });
    }
    for row in session.query(OTHERS, &[]).await? {
        let name = Name::from(row.get::<_, &str>(0));
        let left_out = Some(if row.get(1) { LeftOut::Foreign } else { LeftOut::View });
        surveyed.insert(name.clone(), Surveyed { name, left_out, remarks: Vec::new() });
    }
    Ok(surveyed.into_values().collect())
}

async fn read_tables(session: &Session) -> Result<BTreeMap<Name, Vec<ColumnRow>>, Failure> {
    let mut tables: BTreeMap<Name, Vec<ColumnRow>> = BTreeMap::new();
    for row in session.query(COLUMNS, &[]).await? {
        tables.entry(row.get::<_, &str>(0).into()).or_default().push(ColumnRow::read(&row));
    }
    Ok(tables)
}

/// The part of it that everybody sees.
pub(crate) fn schema(described: &BTreeMap<Name, Described>) -> Schema {
    let tables = described.iter().map(|(name, described)| (name.clone(), described.table.clone()));
    Schema { version: 0, tables: tables.collect() }
}

struct ColumnRow {
    sql_name: String,
    name: Name,
    not_null: bool,
    has_default: bool,
    generated: bool,
    key_place: Option<i32>,
    type_oid: u32,
    /// Its collation calls only equal bytes equal.
    is_deterministic: bool,
    /// Why the table cannot be synced whatever its columns are.
    obstacle: Option<LeftOut>,
    /// The table's owner, when it is not this role.
    owner: Option<String>,
}

impl ColumnRow {
    fn read(row: &tokio_postgres::Row) -> Self {
        Self {
            sql_name: row.get(1),
            name: row.get::<_, &str>(2).into(),
            not_null: row.get(3),
            has_default: row.get(4),
            generated: row.get(5),
            key_place: row.get(6),
            type_oid: row.get(7),
            is_deterministic: row.get(8),
            obstacle: match row.get::<_, &str>(9) {
                "unlogged" => Some(LeftOut::Unlogged),
                "inherited" => Some(LeftOut::Inherited),
                "row security" => Some(LeftOut::RowSecurity),
                _ => None,
            },
            owner: row.get(10),
        }
    }
}

fn describe(name: &Name, columns: Vec<ColumnRow>, types: &Types, rules: &Rules) -> Result<Described, LeftOut> {
    if let Some(obstacle) = columns.iter().find_map(|column| column.obstacle.clone()) {
        return Err(obstacle);
    }
    let mut key: Vec<&ColumnRow> = columns.iter().filter(|column| column.key_place.is_some()).collect();
    key.sort_by_key(|column| column.key_place);
    if key.is_empty() {
        return Err(LeftOut::NoKey);
    }
    let key = key.into_iter().map(|column| column.name.clone()).collect();
    let (mut layout, mut schema) = (BTreeMap::new(), BTreeMap::new());
    for column in &columns {
        let mut found = types.layout(column.type_oid).ok_or_else(|| LeftOut::Type {
            column: column.name.clone(),
            kind: types.name(column.type_oid).to_owned(),
        })?;
        if found.kind == Kind::Text && !column.is_deterministic {
            found.kind = Kind::Other;
        }
        let seen = Column {
            kind: found.kind.column_type(),
            nullable: !column.not_null,
            has_default: column.has_default && !column.generated,
            generated: column.generated,
        };
        schema.insert(column.name.clone(), seen);
        layout.insert(column.name.clone(), found);
    }
    let sql_name = columns.into_iter().next().map(|column| column.sql_name).unwrap_or_default();
    let mut table = Table::new(name.clone(), schema, key);
    if table.can_give_ids() {
        table.ids = Ids::Server;
    }
    table.uniques = rules.uniques(&table.name);
    Ok(Described { table, sql_name, layout })
}

/// The types of the columns, with those that they are made of.
#[derive(Default)]
struct Types(BTreeMap<u32, TypeRow>);

struct TypeRow {
    name: String,
    is_builtin: bool,
    typtype: u8,
    base: u32,
    item: u32,
    sql_type: String,
    has_json_cast: bool,
}

impl Types {
    async fn of(session: &Session, tables: &BTreeMap<Name, Vec<ColumnRow>>) -> Result<Self, Failure> {
        let mut types = Self::default();
        let wanted: BTreeSet<u32> = tables.values().flatten().map(|column| column.type_oid).collect();
        let mut wanted: Vec<u32> = wanted.into_iter().collect();
        while !wanted.is_empty() {
            for row in session.query(TYPES, &[&wanted]).await? {
                let kind: i8 = row.get(3);
                let found = TypeRow {
                    name: row.get(1),
                    is_builtin: row.get::<_, &str>(2) == "pg_catalog",
                    typtype: kind.cast_unsigned(),
                    base: row.get(4),
                    item: row.get(5),
                    sql_type: row.get(6),
                    has_json_cast: row.get(7),
                };
                types.0.insert(row.get(0), found);
            }
            let parts = types.0.values().flat_map(|found| [found.base, found.item]);
            wanted = parts.filter(|oid| *oid != 0 && !types.0.contains_key(oid)).collect();
        }
        Ok(types)
    }

    fn name(&self, oid: u32) -> &str {
        self.0.get(&oid).map_or("unknown", |found| &found.name)
    }

    fn layout(&self, oid: u32) -> Option<ColumnLayout> {
        let found = self.0.get(&oid)?;
        Some(ColumnLayout { kind: self.kind(found)?, sql_type: found.sql_type.clone() })
    }

    /// None for what Swain cannot carry there and back: composites, and what an extension turns into JSON its own way.
    fn kind(&self, found: &TypeRow) -> Option<Kind> {
        match found.typtype {
            b'd' => return self.kind(self.0.get(&found.base)?),
            b'e' | b'r' | b'm' => return Some(Kind::Other),
            b'b' => {}
            _ => return None,
        }
        if found.item != 0 {
            return Some(Kind::List(Box::new(self.kind(self.0.get(&found.item)?)?)));
        }
        if !found.is_builtin {
            return (!found.has_json_cast).then_some(Kind::Other);
        }
        Some(match &*found.name {
            "bool" => Kind::Bool,
            "int2" | "int4" | "int8" => Kind::Integer,
            "float8" => Kind::Double,
            "float4" => Kind::Single,
            "numeric" => Kind::Numeric,
            "text" | "varchar" => Kind::Text,
            "uuid" => Kind::Uuid,
            "bytea" => Kind::Bytes,
            "date" | "time" | "timetz" | "timestamp" | "timestamptz" => Kind::Time,
            "json" | "jsonb" => Kind::Json,
            _ => Kind::Other,
        })
    }
}
