//! Ids that the database gives, what proposed keys stand for, and rows found by unique values.

use std::sync::{Arc, Mutex, PoisonError};

use swain_core::protocol::{MutationResult, Outcome};
use swain_core::{Alias, Code, Key, Mutation, MutationNumber, Operation, Pos, Problem, Row, RowKey, Value};

use super::fixture::{Fixture, decided, insert_owner, insert_with, signed_in, submission, with_role};
use super::tables::schema;
use crate::commit::{Arbiter, Submission, Verdict};
use crate::contract::{Store, Transaction};
use crate::error::WriteError;

/// Whoever inserts, and also after the newest row has gone.
pub async fn the_database_gives_ids_that_nobody_had<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert_owner(7, "chosen")]).await;
    let naming = Naming::new();

    for (n, device) in (1..).zip(["e", "f", "g"]) {
        naming.decide(&fixture, submission(device, 1, vec![new_owner(-1, "given")])).await;
        assert_eq!(fixture.table("owners").await.len(), 1 + n, "each insert is a row of its own");
    }

    let owners = fixture.table("owners").await;
    assert!(owners.keys().all(|key| key.0[0].as_int().is_some_and(|id| id > 0)), "{owners:?}");
    assert_eq!(owners[&Key::of(7)].value("name").as_text(), Some("chosen"));
}

/// Reads see what the transaction wrote.
pub async fn an_alias_is_known_in_its_own_mutation_and_after_it<S: Store>(fixture: Fixture<S>) {
    let naming = Naming::new();

    naming.decide(&fixture, submission("d", 1, vec![new_owner(-1, "O"), new_owner(-2, "P")])).await;
    let within = naming.seen();
    naming.decide(&fixture, submission("d", 2, vec![new_owner(-3, "Q")])).await;

    assert_eq!(within.len(), 2, "each of the mutation's keys was known right after its insert");
    let owners = fixture.table("owners").await;
    assert!(within.iter().chain(&naming.seen()).all(|alias| owners.contains_key(&alias.to)), "{owners:?}");
}

/// The position of the mutation has it, and a device may ask for what it missed.
pub async fn an_alias_is_told_with_its_position_and_by_number<S: Store>(fixture: Fixture<S>) {
    let naming = Naming::new();
    let before = fixture.head().await;
    naming.decide(&fixture, submission("d", 1, vec![new_owner(-1, "O"), new_owner(-2, "P")])).await;
    naming.decide(&fixture, submission("d", 2, vec![new_owner(-3, "Q")])).await;
    let made = naming.seen();

    let log = fixture.log_after(before).await;
    let told: Vec<Alias> = log.iter().flat_map(|position| position.aliases.clone()).collect();
    let all = fixture.store.aliases("d".into(), MutationNumber(0)).await.expect("aliases can be read");
    let missed = fixture.store.aliases("d".into(), MutationNumber(1)).await.expect("aliases can be read");

    let sorted = |mut aliases: Vec<Alias>| {
        aliases.sort_by(|one, other| (one.n, &one.from).cmp(&(other.n, &other.from)));
        aliases
    };
    assert_eq!(log.iter().map(|position| position.aliases.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(sorted(told), sorted(made.clone()));
    assert_eq!(sorted(all), sorted(made.clone()));
    assert_eq!(missed, made[2..]);
}

/// Like everything else of it.
pub async fn an_alias_of_a_refused_mutation_is_undone<S: Store>(fixture: Fixture<S>) {
    let naming = Naming::new();

    let refused = with_role("forbidden", submission("d", 1, vec![new_owner(-1, "O")]));
    let refused = naming.decide(&fixture, refused).await;

    assert_eq!(refused.outcome, Outcome::Refused);
    assert!(fixture.table("owners").await.is_empty());
    assert_eq!(fixture.store.aliases("d".into(), MutationNumber(0)).await.expect("aliases can be read"), []);
    assert!(fixture.log_after(Pos(0)).await.iter().all(|position| position.aliases.is_empty()));
}

/// The same temporary key of two devices is two rows.
pub async fn an_alias_belongs_to_its_device<S: Store>(fixture: Fixture<S>) {
    let naming = Naming::new();
    naming.decide(&fixture, signed_in("u1", submission("d", 1, vec![new_owner(-1, "D")]))).await;
    naming.decide(&fixture, signed_in("u2", submission("e", 1, vec![new_owner(-1, "E")]))).await;

    let mut targets = Vec::new();
    for device in ["d", "e", "nobody"] {
        let aliases = fixture.store.aliases(device.into(), MutationNumber(0)).await.expect("aliases can be read");
        targets.push(aliases.into_iter().map(|alias| alias.to).collect::<Vec<_>>());
    }

    assert_eq!(targets.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0]);
    assert_ne!(targets[0], targets[1]);
}

/// The newest mutation that proposed it has it.
pub async fn a_new_alias_of_a_key_replaces_the_old<S: Store>(fixture: Fixture<S>) {
    let naming = Naming::new();
    naming.decide(&fixture, submission("d", 1, vec![new_owner(-1, "first")])).await;
    naming.decide(&fixture, submission("d", 2, vec![new_owner(-1, "second")])).await;

    let aliases = fixture.store.aliases("d".into(), MutationNumber(0)).await.expect("aliases can be read");

    assert_eq!(aliases, naming.seen()[1..]);
    let row = fixture.table("owners").await.remove(&aliases[0].to).expect("the row is there");
    assert_eq!(row.value("name").as_text(), Some("second"));
}

/// By all of the values, byte for byte.
pub async fn a_row_is_found_by_its_unique_values<S: Store>(fixture: Fixture<S>) {
    for (n, slug) in (1..).zip(["a", "b", "B"]) {
        let more = Row::default().with("slug", slug);
        fixture.decide("d", n, vec![insert_with(&format!("n{n}"), "T", more)]).await;
    }
    let naming = Naming::new();
    let wanted = ["b", "B", "c"];

    for (n, slug) in (4..).zip(wanted) {
        naming.decide(&fixture, submission("d", n, vec![find_by(slug)])).await;
    }

    let found: Vec<Option<Key>> = naming.found();
    assert_eq!(found, [Some(Key::of("n2")), Some(Key::of("n3")), None]);
}

/// An arbiter that lets the database give ids, and looks for notes by their slug.
struct Naming {
    said: Arc<Said>,
}

#[derive(Default)]
struct Said {
    seen: Mutex<Vec<Alias>>,
    found: Mutex<Vec<Option<Key>>>,
}

impl Naming {
    fn new() -> Self {
        Self { said: Arc::default() }
    }

    async fn decide<S: Store>(&self, fixture: &Fixture<S>, submission: Submission) -> MutationResult {
        let mut answers = fixture.store.submit(Arc::clone(&self.said), vec![submission]).await;
        decided(answers.remove(0))
    }

    fn seen(&self) -> Vec<Alias> {
        self.said.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn found(&self) -> Vec<Option<Key>> {
        self.said.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Arbiter for Said {
    async fn apply<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
    ) -> Result<Verdict, WriteError> {
        let schema = schema();
        for operation in &mutation.operations {
            let table = &schema.tables[&operation.row().table];
            match operation {
                Operation::Insert { row, set } => {
                    let to = tx.insert_new(table, set).await?;
                    let alias = Alias { n: mutation.n, table: row.table.clone(), from: row.key.clone(), to };
                    tx.add_alias(&submission.device, &alias).await?;
                    let known = tx.alias(&submission.device, row).await?;
                    assert_eq!(known.as_ref(), Some(&alias.to), "a transaction reads what it wrote");
                    self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(alias);
                }
                Operation::Upsert { set, .. } => {
                    let found = tx.find(table, set).await?;
                    self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
                }
                Operation::Update { .. } | Operation::Delete { .. } => {}
            }
        }
        if submission.auth.role.as_deref() == Some("forbidden") {
            return Err(Problem::new(Code::NotAllowed, "this role may not write").into());
        }
        Ok(Verdict { lost: Vec::new(), won_any: true, ..Verdict::default() })
    }
}

fn new_owner(id: i64, name: &str) -> Operation {
    Operation::Insert {
        row: RowKey { table: "owners".into(), key: Key::of(id) },
        set: Row::default().with("name", name),
    }
}

fn find_by(slug: &str) -> Operation {
    let row = RowKey { table: "notes".into(), key: Key::of("n0") };
    let set = Row::default().with("slug", Value::text(slug));
    Operation::Upsert { row, on: vec!["slug".into()], set, was: std::collections::BTreeMap::new() }
}
