//! The rules that the tables have: unique keys and references for the schema, and what a refusal says of each.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::{Constraint, Name, Reference, Table};

use crate::connection::Session;
use crate::failure::Failure;

/// Constraints and unique indexes of all tables: the columns here, and for a foreign key the table and columns there.
const RULES: &str = "
    WITH named AS (
        SELECT c.oid, CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'swain')
    )
    SELECT t.name, o.conname::text, o.contype, ARRAY(
            SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.num ORDER BY k.place
        ), f.name, ARRAY(
            SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.num ORDER BY k.place
        )
    FROM pg_constraint o JOIN named t ON t.oid = o.conrelid LEFT JOIN named f ON f.oid = o.confrelid
    WHERE o.contype IN ('c', 'f', 'x')
    UNION ALL
    SELECT t.name, c.relname::text,
        (CASE WHEN i.indisprimary THEN 'p' WHEN i.indpred IS NULL AND i.indexprs IS NULL THEN 'u' ELSE 'i' END)::\"char\",
        ARRAY(
            SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
            WHERE k.place <= i.indnkeyatts ORDER BY k.place
        ), NULL, '{}'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN named t ON t.oid = i.indrelid
    WHERE i.indisunique
    ORDER BY 1, 2";

/// The rules of all tables, by table and by the name that PostgreSQL gives them.
#[derive(Debug, Default)]
pub(crate) struct Rules(BTreeMap<(Name, String), Rule>);

#[derive(Debug)]
struct Rule {
    kind: u8,
    columns: Vec<Name>,
    parent: Option<(Name, Vec<Name>)>,
}

impl Rules {
    pub(crate) async fn read(session: &Session) -> Result<Self, Failure> {
        let names = |names: Vec<String>| names.into_iter().map(Name::from).collect::<Vec<_>>();
        let rules = session.query(RULES, &[]).await?.into_iter().map(|row| {
            let parent = row.get::<_, Option<&str>>(4).map(|parent| (parent.into(), names(row.get(5))));
            let rule = Rule { kind: row.get::<_, i8>(2).cast_unsigned(), columns: names(row.get(3)), parent };
            ((row.get::<_, &str>(0).into(), row.get(1)), rule)
        });
        Ok(Self(rules.collect()))
    }

    /// Unique keys of whole columns that hold for every row.
    pub(crate) fn uniques(&self, table: &Name) -> Vec<Vec<Name>> {
        let uniques = self.of(table).filter(|rule| rule.kind == b'u').map(|rule| rule.columns.clone());
        uniques.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Foreign keys that name rows of the other tables by all of their key.
    pub(crate) fn references(&self, table: &Name, tables: &BTreeMap<Name, Table>) -> Vec<Reference> {
        let references = self.of(table).filter_map(|rule| {
            let (parent, there) = rule.parent.as_ref()?;
            let pairs: Vec<(Name, Name)> = rule.columns.iter().cloned().zip(there.iter().cloned()).collect();
            Reference::to(tables.get(parent)?, &pairs)
        });
        references.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a refusal says of a rule; by its name alone when it is not known: it is younger than the schema.
    pub(crate) fn constraint(&self, table: &Name, name: &str) -> Constraint {
        let Some(rule) = self.0.get(&(table.clone(), name.to_owned())) else {
            return Constraint::new(table, Vec::new(), name);
        };
        let text = match (rule.kind, &rule.parent) {
            (_, Some((parent, columns))) => {
                let columns: Vec<&str> = columns.iter().map(Name::as_str).collect();
                format!("REFERENCES {parent} ({})", columns.join(", "))
            }
            (b'p' | b'u' | b'i', None) => "UNIQUE".into(),
            _ => name.to_owned(),
        };
        Constraint::new(table, rule.columns.clone(), text)
    }

    fn of(&self, table: &Name) -> impl Iterator<Item = &Rule> {
        self.0.iter().filter(move |((of, _), _)| of == table).map(|(_, rule)| rule)
    }
}
