//! What was adopted, and whether the tables are still that (spec S14).
//!
//! Everything on which capture rests has a signature: the table and its columns, the words of its enumerations, its unique
//! keys, its partitions, row security, and our triggers. The number of the transaction that last wrote a column's or a
//! trigger's entry in the catalog is part of it: so is noticed what leaves everything as it was by name, as `ALTER COLUMN …
//! TYPE … USING`, or a trigger that was disabled for a while. The signature of a paused table says that it is one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swain_core::strict_json::parse;
use swain_core::{Name, Schema, Value};

use crate::connection::Session;
use crate::failure::Failure;
use crate::layout::{Layout, TableLayout};
use crate::meta;

/// By table.
pub(crate) type Signatures = BTreeMap<Name, String>;

const SIGNATURES: &str = "signatures";
const GENERATIONS: &str = "generations";

/// How the signature of a paused table begins.
const PAUSED: &str = "paused ";

/// A table that is not there has a signature, too.
const SIGN: &str = "
    SELECT wanted.name, (
        SELECT 'paused ' FROM swain.meta m WHERE m.name = 'paused ' || wanted.name
    ), md5(concat_ws('/', c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, (
        SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity,
            a.attgenerated, a.attcollation, a.xmin), ',' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ), (
        SELECT string_agg(concat_ws(' ', e.oid, e.enumlabel), ',' ORDER BY e.oid)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
        JOIN pg_enum e ON e.enumtypid IN (t.oid, t.typelem, b.oid, b.typelem)
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ), (
        SELECT string_agg(concat_ws(' ', r.relname, i.indkey, i.indnkeyatts, i.indisprimary, i.indisvalid,
            pg_get_expr(i.indpred, i.indrelid)), ',' ORDER BY r.relname)
        FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisunique
    ), (
        SELECT string_agg(concat_ws(' ', part.relid::oid, t.tgname, t.tgenabled, encode(t.tgargs, 'hex'), t.xmin), ','
            ORDER BY part.relid::oid, t.tgname)
        FROM (SELECT c.oid AS relid UNION SELECT p.relid FROM pg_partition_tree(c.oid) p) AS part
        LEFT JOIN pg_trigger t ON t.tgrelid = part.relid AND t.tgname IN ('!swain_row', '!swain_truncate')
    ), (
        SELECT count(*) FROM pg_inherits i WHERE i.inhparent = c.oid
    )))
    FROM unnest($1::text[], $2::text[]) AS wanted (name, place)
    LEFT JOIN pg_class c ON c.oid = to_regclass(wanted.place)";

/// The signatures that these tables have now.
pub(crate) async fn sign<'t>(
    session: &Session,
    tables: impl IntoIterator<Item = &'t TableLayout>,
) -> Result<Signatures, Failure> {
    let (names, places): (Vec<&str>, Vec<&str>) =
        tables.into_iter().map(|table| (table.name.as_str(), table.sql_name.as_str())).unzip();
    let rows = session.query(SIGN, &[&names, &places]).await?;
    let signed = rows.iter().map(|row| {
        let (paused, hash): (Option<&str>, &str) = (row.get(1), row.get(2));
        (row.get::<_, &str>(0).into(), format!("{}{hash}", paused.unwrap_or_default()))
    });
    Ok(signed.collect())
}

/// True when one of these tables was paused when this layout was adopted.
pub(crate) fn has_paused<'t>(layout: &Layout, mut tables: impl Iterator<Item = &'t Name>) -> bool {
    tables.any(|name| layout.signatures.get(name).is_some_and(|adopted| adopted.starts_with(PAUSED)))
}

/// True when one of these tables is no longer as this layout was adopted.
pub(crate) async fn has_drifted(
    session: &Session,
    layout: &Layout,
    tables: impl Iterator<Item = &Name>,
) -> Result<bool, Failure> {
    let tables: Vec<&TableLayout> = tables.filter_map(|name| layout.tables.get(name)).map(|table| &**table).collect();
    if tables.is_empty() {
        return Ok(false);
    }
    let signatures = sign(session, tables).await?;
    Ok(signatures.iter().any(|(name, now)| layout.signatures.get(name).is_some_and(|adopted| adopted != now)))
}

/// As of the last adoption by whatever node; also of tables that are adopted no longer: what happens to them meanwhile is
/// not noted.
pub(crate) async fn stored(session: &Session) -> Result<Signatures, Failure> {
    let signatures = members(session, SIGNATURES).await?.into_iter();
    Ok(signatures.filter_map(|(name, text)| Some((name.into(), text.as_text()?.to_owned()))).collect())
}

/// Notes the tables as they are after an adoption. A table that is not as it was noted gets its next generation: its
/// changes may not all have been captured. A pause counts once, at its end.
pub(crate) async fn note(session: &Session, found: &Signatures, now: Signatures) -> Result<(), Failure> {
    let mut signatures = stored(session).await?;
    let is_other = |(name, found): (&Name, &String)| {
        let has_gap = !found.starts_with(PAUSED) && signatures.get(name).is_some_and(|known| known != found);
        has_gap.then(|| name.clone())
    };
    let gaps: BTreeSet<Name> = found.iter().filter_map(is_other).collect();
    if !gaps.is_empty() {
        let mut generations = members(session, GENERATIONS).await?;
        for name in gaps {
            let known = generations.get(name.as_str()).and_then(Value::as_int).unwrap_or(0);
            generations.insert(name.as_str().into(), Value::Int(known + 1));
        }
        meta::set(session, GENERATIONS, &Value::Object(generations).canonical()).await?;
    }
    signatures.extend(now);
    let members = signatures.iter().map(|(name, text)| (name.into(), Value::text(text.as_str())));
    meta::set(session, SIGNATURES, &Value::Object(members.collect()).canonical()).await
}

/// Gives each table of the schema its generation.
pub(crate) async fn count_generations(session: &Session, schema: &mut Schema) -> Result<(), Failure> {
    let generations = members(session, GENERATIONS).await?;
    for (name, table) in &mut schema.tables {
        let generation = generations.get(name.as_str()).and_then(Value::as_int).unwrap_or(0);
        table.generation = generation.try_into().unwrap_or(0);
    }
    Ok(())
}

async fn members(session: &Session, name: &str) -> Result<BTreeMap<Arc<str>, Value>, Failure> {
    let stored = meta::get(session, name).await?;
    Ok(match stored.and_then(|text| parse(&text).ok()) {
        Some(Value::Object(members)) => members,
        _ => BTreeMap::new(),
    })
}
