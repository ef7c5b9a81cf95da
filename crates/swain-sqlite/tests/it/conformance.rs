//! The SQLite store runs the suite that every store runs: in memory, stepped on a file, and with its threads.

use rusqlite::Connection;
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::conformance::{Enforces, Fixture, SQLITE_TABLES};
use swain_testkit::spec;
use tempfile::TempDir;

mod in_memory {
    use super::*;

    swain_store::store_conformance!(open, spec);

    fn open() -> Fixture<SqliteStore> {
        let store = SqliteStore::open_in_memory(SqliteOptions::seeded(1)).unwrap();
        swain_store::ready(store.execute_outside(SQLITE_TABLES)).unwrap();
        Fixture { store, enforces: Enforces::UniqueAndForeignKeys, cases: 20_000, keep: Box::new(()) }
    }
}

mod stepped {
    use super::*;

    swain_store::store_conformance!(open, spec);

    fn open() -> Fixture<SqliteStore> {
        on_file(|path| SqliteStore::open_stepped(path, SqliteOptions::seeded(1)).unwrap())
    }
}

mod threaded {
    use super::*;

    swain_store::store_conformance!(open, spec);

    fn open() -> Fixture<SqliteStore> {
        on_file(|path| SqliteStore::open(path, SqliteOptions::system()).unwrap())
    }
}

fn on_file(open: impl FnOnce(&std::path::Path) -> SqliteStore) -> Fixture<SqliteStore> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.db");
    Connection::open(&path).unwrap().execute_batch(SQLITE_TABLES).unwrap();
    Fixture { store: open(&path), enforces: Enforces::UniqueAndForeignKeys, cases: 1_000, keep: Box::new(directory) }
}
