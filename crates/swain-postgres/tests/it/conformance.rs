//! The PostgreSQL store runs the suite that every store runs.

use std::sync::OnceLock;

use swain_postgres::{PostgresOptions, PostgresStore};
use swain_store::conformance::{Enforces, Fixture, POSTGRES_TABLES};
use swain_testkit::{postgres, spec};
use tokio::runtime::Runtime;

swain_store::store_conformance!(open, spec);

/// The suite polls on its own thread; the store works on this.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

fn open() -> Fixture<PostgresStore> {
    let url = postgres::database();
    postgres::run_sql(&url, POSTGRES_TABLES);
    let store = runtime().block_on(PostgresStore::open(PostgresOptions::new(url))).unwrap();
    Fixture { store, enforces: Enforces::UniqueAndForeignKeys, cases: 20_000, keep: Box::new(()) }
}
