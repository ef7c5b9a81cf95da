//! What sessions are served by: tables with their rules, and the judge that goes by them. Exchanged as a whole when the
//! database's tables change while the server runs (spec S14).

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::{Code, Millis, Mutation, Name, Problem, Schema};
use swain_store::{Store, StoreError, StoreErrorKind};

use crate::catalog::{Catalog, ConfigError, TableConfig};
use crate::judge::Judge;

/// The tables as they are now.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) judge: Arc<Judge>,
    /// Tables that the configuration no longer fits, and why.
    closed: BTreeMap<Name, String>,
}

impl Terms {
    /// Of a database that the configuration has to fit.
    pub(crate) async fn adopt<S: Store>(store: &S, mut catalog: Catalog, now: Millis) -> Result<Self, StoreError> {
        catalog.schema = store.adopt(catalog.schema, now).await?;
        let catalog = Arc::new(catalog);
        Ok(Self { judge: Arc::new(Judge::new(Arc::clone(&catalog))), catalog, closed: BTreeMap::new() })
    }

    /// Of a database that may have changed in any way: what the configuration no longer fits is closed, the rest goes on.
    pub(crate) async fn adopt_anew<S: Store>(
        store: &S,
        tables: &BTreeMap<String, TableConfig>,
        now: Millis,
    ) -> Result<Self, StoreError> {
        let (catalog, closed) = fit(&present(store, tables).await?, tables);
        Ok(Self { closed, ..Self::adopt(store, catalog, now).await? })
    }

    /// What is closed, and why.
    pub(crate) fn closed(&self) -> &BTreeMap<Name, String> {
        &self.closed
    }

    /// Why a mutation has to wait: its table may fit the configuration again.
    pub(crate) fn closes(&self, mutation: &Mutation) -> Option<Problem> {
        let mut tables = mutation.operations.iter().map(|operation| &operation.row().table);
        let closed = tables.find(|table| self.closed.contains_key(*table))?;
        let detail = format!("the table '{closed}' has changed so that the server's configuration does not fit it");
        Some(Problem::new(Code::TableClosed, detail))
    }
}

/// Those of the configured tables that the database has.
async fn present<S: Store>(store: &S, tables: &BTreeMap<String, TableConfig>) -> Result<Schema, StoreError> {
    let names: Vec<Name> = tables.keys().map(|name| Name::from(name.as_str())).collect();
    match store.introspect(Some(names.clone())).await {
        Err(error) if error.kind() == StoreErrorKind::Unusable => {}
        schema => return schema,
    }
    let mut usable = Vec::new();
    for name in names {
        match store.introspect(Some(vec![name.clone()])).await {
            Ok(_) => usable.push(name),
            Err(error) if error.kind() == StoreErrorKind::Unusable => {}
            Err(error) => return Err(error),
        }
    }
    store.introspect(Some(usable)).await
}

/// A table whose configuration names what it does not have keeps no rule, which grants nothing.
fn fit(schema: &Schema, tables: &BTreeMap<String, TableConfig>) -> (Catalog, BTreeMap<Name, String>) {
    let mut tables = tables.clone();
    let mut closed = BTreeMap::new();
    loop {
        let error = match Catalog::new(schema.clone(), &tables) {
            Ok(catalog) => return (catalog, closed),
            Err(error) => error,
        };
        for name in concerned(&error, &tables) {
            closed.insert(Name::from(name.as_str()), error.to_string());
            // Without any setting nothing can be wrong with it, if it is there at all.
            match schema.tables.contains_key(name.as_str()) {
                true => tables.insert(name, TableConfig::default()),
                false => tables.remove(&name),
            };
        }
    }
}

/// The tables that have to go for this error to go; never none.
fn concerned(error: &ConfigError, tables: &BTreeMap<String, TableConfig>) -> Vec<String> {
    let named = error.table();
    match tables.contains_key(named) {
        true => vec![named.to_owned()],
        // It is another table's reference that names it.
        false => tables
            .iter()
            .filter(|(_, config)| config.references.values().any(|to| to == named))
            .map(|(name, _)| name.clone())
            .collect(),
    }
}
