//! Persons and refresh tokens.

use swain_core::{Millis, UserId};

use super::fixture::Fixture;
use crate::accounts::{Person, RefreshToken, Rotation};
use crate::contract::Store;

const EXPIRES: Millis = Millis(1_000_000);
const GRACE: Millis = Millis(10_000);

/// Both ways, and nobody else.
pub async fn a_person_is_found_by_address_and_id<S: Store>(fixture: Fixture<S>) {
    let ada = person("u1", "ada@example.org");
    assert!(fixture.store.add_person(ada.clone()).await.expect("a person can be added"));

    let by_email = fixture.store.person_by_email("ada@example.org".into()).await.expect("a person can be read");
    let by_id = fixture.store.person("u1".into()).await.expect("a person can be read");
    let nobody = fixture.store.person("u2".into()).await.expect("a person can be read");

    assert_eq!((by_email.as_ref(), by_id.as_ref(), nobody), (Some(&ada), Some(&ada), None));
}

/// The first keeps it.
pub async fn an_address_is_taken_once<S: Store>(fixture: Fixture<S>) {
    assert!(fixture.store.add_person(person("u1", "ada@example.org")).await.expect("a person can be added"));

    let again = fixture.store.add_person(person("u2", "ada@example.org")).await.expect("a person can be added");

    assert!(!again);
    assert_eq!(fixture.store.person("u2".into()).await.expect("a person can be read"), None);
}

/// Its successor is good for the next time.
pub async fn a_refresh_token_is_used_once<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;

    assert_eq!(rotate(&fixture, "t1", "t2", 100).await, rotated());
    assert_eq!(rotate(&fixture, "t2", "t3", 50_000).await, rotated());
    assert_eq!(rotate(&fixture, "t3", "t4", 90_000).await, rotated());
}

/// Two tabs refresh at once: both go on, with one successor.
pub async fn within_the_grace_the_same_successor_comes_again<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;

    assert_eq!(rotate(&fixture, "t1", "t2", 100).await, rotated());
    assert_eq!(rotate(&fixture, "t1", "t2", 5_000).await, rotated());
    assert_eq!(rotate(&fixture, "t2", "t3", 6_000).await, rotated());
}

/// Somebody has a copy of it: nobody of this sign-in goes on.
pub async fn reuse_after_the_grace_revokes_the_family<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;
    rotate(&fixture, "t1", "t2", 100).await;

    assert_eq!(rotate(&fixture, "t1", "t2", 20_000).await, Rotation::Reused);
    assert_eq!(rotate(&fixture, "t2", "t3", 20_001).await, Rotation::Unknown);
    assert_eq!(rotate(&fixture, "other", "other2", 20_002).await, other_rotated());
}

/// Both look the same.
pub async fn an_ended_or_unknown_token_is_unknown<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;

    assert_eq!(rotate(&fixture, "never issued", "t9", 100).await, Rotation::Unknown);
    assert_eq!(rotate(&fixture, "t1", "t2", EXPIRES.0 + 1).await, Rotation::Unknown);
}

/// Of this sign-in only; a second time is nothing to do.
pub async fn signing_out_revokes_the_family<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;
    rotate(&fixture, "t1", "t2", 100).await;

    for _ in 0..2 {
        fixture.store.revoke_refresh("t2".into()).await.expect("a token can be revoked");
    }

    assert_eq!(rotate(&fixture, "t2", "t3", 200).await, Rotation::Unknown);
    assert_eq!(rotate(&fixture, "other", "other2", 200).await, other_rotated());
}

/// In order of their addresses; the id and the address stay.
pub async fn people_are_listed_in_pages_changed_and_removed<S: Store>(fixture: Fixture<S>) {
    let store = &fixture.store;
    for (id, email) in [("u1", "cleo@example.org"), ("u2", "ada@example.org"), ("u3", "ben@example.org")] {
        assert!(store.add_person(person(id, email)).await.expect("a person can be added"));
    }
    let ids = |persons: Vec<Person>| persons.into_iter().map(|person| person.id.to_string()).collect::<Vec<_>>();

    let first = store.persons(None, 2).await.expect("people can be listed");
    let rest = store.persons(Some("ben@example.org".into()), 2).await.expect("people can be listed");
    assert_eq!((ids(first), ids(rest)), (vec!["u2".into(), "u3".into()], vec!["u1".into()]));

    let ada = person("u2", "ada@example.org");
    let coach = Person { role: "coach".into(), verified: true, ..ada.clone() };
    assert!(store.change_person(ada.clone(), coach.clone()).await.expect("a person can be changed"));
    assert_eq!(store.person("u2".into()).await.expect("a person can be read"), Some(coach.clone()));
    let late = Person { password_hash: "other".into(), ..ada.clone() };
    assert!(!store.change_person(ada, late).await.expect("who looked earlier changes nothing"));
    assert_eq!(store.person("u2".into()).await.expect("a person can be read"), Some(coach));
    let nobody = person("u9", "no@example.org");
    assert!(!store.change_person(nobody.clone(), nobody).await.expect("nobody can be changed"));

    assert!(store.remove_person("u2".into()).await.expect("a person can be removed"));
    assert!(!store.remove_person("u2".into()).await.expect("a person can be removed"));
    assert_eq!(ids(store.persons(None, 9).await.expect("people can be listed")), ["u3", "u1"]);
}

/// Nobody else's.
pub async fn revoking_a_person_ends_all_sign_ins<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;
    rotate(&fixture, "t1", "t2", 100).await;

    assert_eq!(fixture.store.revoke_person("u1".into()).await.expect("sign-ins can be ended"), 1);

    assert_eq!(rotate(&fixture, "t2", "t3", 200).await, Rotation::Unknown);
    assert_eq!(rotate(&fixture, "other", "other2", 200).await, other_rotated());
    assert_eq!(fixture.store.revoke_person("u1".into()).await.expect("sign-ins can be ended"), 0);
}

/// By the token that is next, with what it was begun with; one ends and the others go on.
pub async fn sign_ins_are_listed_and_ended_one_by_one<S: Store>(fixture: Fixture<S>) {
    sign_in(&fixture).await;
    rotate(&fixture, "t1", "t2", 100).await;
    let list = async |user: &str, now: u64| {
        let found = fixture.store.sign_ins(user.into(), Millis(now)).await.expect("sign-ins can be listed");
        found.into_iter().map(|token| (token.hash, token.family, token.begun, token.agent)).collect::<Vec<_>>()
    };
    let end = async |user: &str, family: &str| {
        fixture.store.revoke_sign_in(user.into(), family.into()).await.expect("a sign-in can be ended")
    };

    assert_eq!(list("u1", 200).await, [("t2".into(), "f1".into(), Millis(50), "browser of u1".into())]);
    assert_eq!(list("u1", EXPIRES.0).await, []);
    assert!(!end("u1", "f2").await, "it is somebody else's");
    assert!(end("u1", "f1").await && !end("u1", "f1").await);
    assert_eq!(rotate(&fixture, "t2", "t3", 200).await, Rotation::Unknown);
    assert_eq!(list("u2", 200).await.len(), 1);
}

/// Two sign-ins: t1 of u1, other of u2.
async fn sign_in<S: Store>(fixture: &Fixture<S>) {
    for (hash, family, user) in [("t1", "f1", "u1"), ("other", "f2", "u2")] {
        let token = RefreshToken {
            hash: hash.into(),
            family: family.into(),
            user: UserId::from(user),
            expires: EXPIRES,
            begun: Millis(50),
            agent: format!("browser of {user}"),
        };
        fixture.store.add_refresh(token).await.expect("a token can be stored");
    }
}

async fn rotate<S: Store>(fixture: &Fixture<S>, hash: &str, successor: &str, now: u64) -> Rotation {
    let rotation = fixture.store.rotate_refresh(hash.into(), successor.into(), EXPIRES, Millis(now), GRACE).await;
    rotation.expect("a token can be used")
}

fn rotated() -> Rotation {
    Rotation::Rotated { user: "u1".into(), family: "f1".into() }
}

fn other_rotated() -> Rotation {
    Rotation::Rotated { user: "u2".into(), family: "f2".into() }
}

fn person(id: &str, email: &str) -> Person {
    Person {
        id: id.into(),
        email: email.into(),
        name: "Ada".into(),
        role: "member".into(),
        password_hash: "$argon2id$".into(),
        verified: false,
    }
}
