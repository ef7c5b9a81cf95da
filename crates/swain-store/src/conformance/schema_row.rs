//! The schema is a row of `swain_schema`.

use swain_core::{Code, Millis, Pos, Value, Who};

use super::fixture::{Fixture, insert_with, of_owner, submission, whole};
use super::tables::schema;
use crate::contract::{Interest, Store};

/// Devices see the change in its place.
pub async fn adopting_a_schema_gives_it_a_version_and_a_position<S: Store>(fixture: Fixture<S>) {
    let log = fixture.log_after(Pos(0)).await;

    assert_eq!(log.len(), 1, "the suite has adopted its schema and nothing else was done");
    assert_eq!((log[0].pos, &log[0].who, log[0].at), (Pos(1), &Who::Server, Millis(1_000)));
    let change = &log[0].changes[0];
    assert_eq!(&*change.row.table, "swain_schema");
    assert_eq!(change.after.as_ref().map(|row| row.value("version").clone()), Some(Value::Int(1)));
    let page = fixture.page(Pos(0), Some(vec![whole("swain_schema")]), None, 10).await;
    assert_eq!(page.positions, log);
}

/// A restart changes nothing.
pub async fn the_same_schema_again_is_nothing_new<S: Store>(fixture: Fixture<S>) {
    let adopted = fixture.store.adopt(schema(), Millis(3_000)).await.expect("a schema can be adopted");

    assert_eq!(adopted.version, 1);
    assert_eq!(adopted.tables, schema().tables);
    assert_eq!(fixture.head().await, Pos(1));
}

/// The log goes on; scopes that are new find older changes too.
pub async fn another_schema_is_the_next_version<S: Store>(fixture: Fixture<S>) {
    let slug = swain_core::Row::default().with("slug", "s1");
    fixture.submit(vec![submission("d", 1, vec![insert_with("n1", "A", slug)])]).await;
    let mut changed = schema();
    changed.tables.remove("owners");
    if let Some(notes) = changed.tables.get_mut("notes") {
        notes.scopes.insert("slug".into());
        notes.scopes.remove("owner");
    }

    let adopted = fixture.store.adopt(changed, Millis(3_000)).await.expect("a schema can be adopted");

    assert_eq!(adopted.version, 2);
    assert_eq!(fixture.head().await, Pos(3));
    let of_slug = Interest { table: "notes".into(), scope: Some(("slug".into(), vec![Value::text("s1")])) };
    assert_eq!(fixture.page(Pos(0), Some(vec![of_slug]), None, 10).await.positions.len(), 1);
    let nobody = vec![of_owner(&[Value::Null])];
    assert_eq!(
        fixture.page(Pos(0), Some(nobody), None, 10).await.positions.len(),
        1,
        "a scope that went still filters"
    );
}

/// As the database has them; what the configuration adds is not in it.
pub async fn introspection_names_tables_columns_and_keys<S: Store>(fixture: Fixture<S>) {
    let found = fixture.store.introspect(Some(vec!["notes".into()])).await.expect("the database can be read");

    assert_eq!(found.tables.keys().map(|name| &**name).collect::<Vec<_>>(), ["notes"]);
    let (found, expected) = (&found.tables["notes"], &schema().tables["notes"]);
    assert_eq!((&found.columns, &found.key), (&expected.columns, &expected.key));
    let all = fixture.store.introspect(None).await.expect("the database can be read");
    assert_eq!(all.tables.keys().map(|name| &**name).collect::<Vec<_>>(), ["notes", "owners"]);
    assert_eq!(all.table("swain_schema"), Err(Code::UnknownTable));
}
