//! Coming to a database that lives already, and leaving it as it was found (spec S15).

use std::fmt;

use swain_core::Name;
use swain_store::StoreError;

use crate::capture;
use crate::connection::{Connections, Session};
use crate::failure::Failure;
use crate::introspect::survey_tables;
use crate::options::PostgresOptions;

/// What Swain finds in a database. Looking changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Every table and view of the application, by name; partitions belong to their table.
    pub tables: Vec<Surveyed>,
    /// Swain's own tables are in it.
    pub is_attached: bool,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name; outside of the schema `public`, with its schema.
    pub name: Name,
    /// Why it cannot be synced; none when it can.
    pub left_out: Option<LeftOut>,
    /// What somebody should know who syncs it.
    pub remarks: Vec<Remark>,
}

/// Why something is not synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// A table without a PRIMARY KEY: its rows have no names.
    NoKey,
    /// A view, materialized or not.
    View,
    /// A table of another server.
    Foreign,
    /// A crash empties it without a word.
    Unlogged,
    /// It shows the rows of tables that inherit from it.
    Inherited,
    /// Row security hides rows from the role that looks.
    RowSecurity,
    /// A column has a type that has no form for devices.
    Type {
        /// The column.
        column: Name,
        /// Its type.
        kind: String,
    },
}

/// Something about a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The database computes a column: devices read it and never set it.
    Generated(Name),
    /// It belongs to another role, which alone may put the triggers on it.
    Owner(String),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("it has no PRIMARY KEY"),
            Self::View => f.write_str("it is a view"),
            Self::Foreign => f.write_str("its rows are in another server"),
            Self::Unlogged => f.write_str("it is unlogged: a crash empties it and tells nobody"),
            Self::Inherited => f.write_str("other tables inherit from it, and their rows are its rows"),
            Self::RowSecurity => f.write_str("row security hides rows of it from this role"),
            Self::Type { column, kind } => {
                write!(f, "column '{column}' has the type {kind}, which cannot be carried to devices")
            }
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generated(column) => write!(f, "{column} is computed by the database and only read"),
            Self::Owner(owner) => write!(f, "it belongs to {owner}, who alone may put the triggers on it"),
        }
    }
}

/// Says what Swain would sync of a database, and what not and why.
pub async fn survey(options: PostgresOptions) -> Result<Survey, StoreError> {
    Ok(look(&session(&options).await?).await?)
}

/// What a database administrator runs where the role of the options may not: Swain's schema, which will belong to that
/// role, and the triggers of these tables.
pub async fn sql_to_attach(options: PostgresOptions, tables: &[Name]) -> Result<String, StoreError> {
    Ok(capture::sql_to_attach(&session(&options).await?, tables).await?)
}

/// Takes away everything that Swain brought: the triggers and the schema `swain` with the log, the accounts and the
/// ledger. The application's tables stay as they are.
pub async fn detach(options: PostgresOptions) -> Result<(), StoreError> {
    let session = session(&options).await?;
    session.batch("BEGIN").await.map_err(StoreError::from)?;
    let result = capture::detach(&session).await;
    Ok(session.end(result).await?)
}

async fn session(options: &PostgresOptions) -> Result<Session, Failure> {
    Connections::new(options)?.get().await
}

async fn look(session: &Session) -> Result<Survey, Failure> {
    let is_attached = session.query_one("SELECT to_regclass('swain.meta') IS NOT NULL", &[]).await?.get(0);
    Ok(Survey { tables: survey_tables(session).await?, is_attached })
}
