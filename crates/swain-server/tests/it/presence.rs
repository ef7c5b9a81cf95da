//! Who is where, through the real server: two devices in a room, and every way in which that ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use swain_core::protocol::{Down, Nearby, Other};
use swain_core::{Code, Column, ColumnType, Epoch, Key, Millis, Row, Schema, Table};
use swain_engine::limits::PRESENCE_SILENCES_MAX;
use swain_engine::{Engine, TableConfig};
use swain_server::{Transport, now};
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_store::{Accounts as _, Person};
use swain_testkit::{soon, spec};
use tokio::time::Instant;

use crate::socket::{Heard, Socket};
use crate::stage::{Account, Stage};

const HEARTBEAT_MS: u64 = 200;

/// Rows of t are for the members of their project b; visitors read those of none.
const MEMBERS: &str = "b IN (SELECT a FROM u WHERE owner = auth.id) OR auth.role = 'coach' OR b = 'open'";

fn in_room(b: &str, more: &str) -> String {
    format!(r#"{{"presence":{{"room":{{"table":"t","where":{{"eq":["b","{b}"]}}}}{more}}}}}"#)
}

async fn stage() -> Stage<MemoryStore> {
    let columns = |names: &[&str]| {
        let column = |name: &&str| {
            let column =
                Column { kind: ColumnType::Text, nullable: *name != "id", has_default: false, generated: false };
            ((*name).into(), column)
        };
        names.iter().map(column).collect()
    };
    let table = |name: &str, names: &[&str]| Table::new(name.into(), columns(names), vec!["id".into()]);
    let tables = [table("t", &["id", "a", "b"]), table("u", &["id", "a", "owner"])];
    let schema = Schema { version: 0, tables: tables.into_iter().map(|table| (table.name.clone(), table)).collect() };
    let (epoch, checks) = (Epoch::from("e1"), BTreeMap::new());
    let store = MemoryStore::new(MemoryOptions { epoch, schema, checks, seed: 7, planted: None });
    let t = TableConfig { read: Some(MEMBERS.into()), ..TableConfig::default() };
    let tables = BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), TableConfig::default())]);
    let engine = Engine::open(Arc::new(store), &tables, now()).await.unwrap();
    Stage::of(engine, |config| config.heartbeat = Millis(HEARTBEAT_MS)).await
}

impl Stage<MemoryStore> {
    fn member_is(&self, id: &str, member: Option<(&str, &Account)>) {
        self.engine.store().write_outside(now(), "u", |rows| {
            rows.remove(&Key::of(id));
            if let Some((project, account)) = member {
                let row = Row::default().with("id", id).with("a", project).with("owner", account.id.as_str());
                rows.insert(Key::of(id), row);
            }
        });
    }

    /// A new person with a device, in the room of a project of which she is a member.
    async fn in_project(&self, name: &str, transport: Transport) -> (Account, Socket) {
        let body = json!({"email": format!("{name}@example.com"), "password": "pickup-game", "name": name});
        let account = self.post("/api/auth/signup", &body, &[]).await.account();
        self.member_is(name, Some(("p", &account)));
        let mut socket = self.device_over(transport, Some(&account.access), &format!("d-{name}")).await;
        socket.send(in_room("p", "")).await;
        (account, socket)
    }
}

impl Socket {
    /// The next that is told of a room, whatever else comes.
    async fn room(&mut self) -> (bool, Vec<Other>, Vec<u64>) {
        loop {
            match self.nearby().await {
                Nearby::Room { is_whole, here, left, .. } => return (is_whole, here, left),
                Nearby::Ask => self.send(r#"{"presence":{}}"#.to_owned()).await,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn nearby(&mut self) -> Nearby {
        loop {
            match self.next().await {
                Heard::Frame(Down::Presence(nearby)) => return nearby,
                Heard::Frame(_) => {}
                Heard::Closed(code) => panic!("closed by {code}"),
            }
        }
    }

    /// Says where it is and is told who is there, or why not.
    async fn enters(&mut self, frame: String) -> Result<Vec<Other>, Code> {
        self.send(frame).await;
        let answer = async {
            loop {
                match self.nearby().await {
                    Nearby::Room { is_whole: true, here, .. } => return Ok(here),
                    Nearby::Refused { problem, .. } => return Err(problem.code),
                    _ => {}
                }
            }
        };
        soon("an answer", answer).await
    }

    async fn others_left(&mut self) -> Vec<u64> {
        let leaving = async {
            loop {
                let (_, _, left) = self.room().await;
                if !left.is_empty() {
                    return left;
                }
            }
        };
        soon("that somebody leaves", leaving).await
    }
}

fn names(others: &[Other]) -> Vec<&str> {
    others.iter().filter_map(|other| other.name.as_deref()).collect()
}

#[tokio::test]
async fn two_devices_see_each_other_over_either_stream_until_one_is_killed() {
    spec!("P28", "P22");
    let stage = stage().await;
    let (_, mut ada) = stage.in_project("ada", Transport::WebSocket).await;
    assert_eq!(ada.room().await, (true, vec![], vec![]));
    for transport in [Transport::WebSocket, Transport::Sse] {
        let name = transport.as_str();
        let (account, mut ben) = stage.in_project(name, transport).await;

        let (is_whole, here, _) = ben.room().await;
        assert_eq!((is_whole, names(&here)), (true, vec!["ada"]));
        let (_, here, _) = ada.room().await;
        assert_eq!((names(&here), here[0].user.as_ref().map(|user| user.as_str())), (vec![name], Some(&*account.id)));
        ben.send(in_room("p", r#","state":{"cursor":[3,4]}"#)).await;
        let (_, here, _) = ada.room().await;
        assert_eq!(here[0].said.as_ref().unwrap().1.canonical(), r#"{"cursor":[3,4]}"#);
        drop(ben);

        assert_eq!(ada.others_left().await, [here[0].id], "{name}");
    }
}

#[tokio::test]
async fn a_tab_that_says_nothing_is_gone_within_three_heartbeats_and_its_stream_goes_on() {
    spec!("P28");
    let stage = stage().await;
    let (_, mut ada) = stage.in_project("ada", Transport::WebSocket).await;
    let (_, mut ben) = stage.in_project("ben", Transport::WebSocket).await;
    let begun = Instant::now();
    ben.room().await;

    ada.others_left().await;

    let silence = begun.elapsed().as_millis();
    assert!(silence >= u128::from(HEARTBEAT_MS * (PRESENCE_SILENCES_MAX - 1)), "{silence} ms");
    // He hears the questions of before, and that he is nowhere.
    ben.send(r#"{"presence":{}}"#.to_owned()).await;
    while ben.nearby().await != Nearby::Again("".into()) {}
}

#[tokio::test]
async fn a_revoked_member_neither_sees_nor_is_seen() {
    spec!("R18");
    let stage = stage().await;
    let (_, mut ada) = stage.in_project("ada", Transport::WebSocket).await;
    let (account, mut ben) = stage.in_project("ben", Transport::Sse).await;
    ada.room().await;
    ada.room().await;
    ben.room().await;

    stage.member_is("ben", None);

    let left = ada.others_left().await;
    assert_eq!(left.len(), 1);
    while !matches!(ben.next().await, Heard::Closed(_)) {}
    let mut back = stage.device(Some(&account.access), "d-ben").await;
    assert_eq!(back.enters(in_room("p", "")).await, Err(Code::NotAllowed));
    assert_eq!(back.enters(in_room("open", "")).await, Ok(vec![]));
}

#[tokio::test]
async fn a_visitor_is_in_rooms_of_what_visitors_read() {
    spec!("R18");
    let stage = stage().await;
    let (_, mut ada) = stage.in_project("ada", Transport::WebSocket).await;
    ada.room().await;
    let mut visitor = stage.device(None, "d-visitor").await;

    assert_eq!(visitor.enters(in_room("p", "")).await, Err(Code::NotAllowed));
    assert_eq!(visitor.enters(in_room("open", "")).await, Ok(vec![]));
    let here = ada.enters(in_room("open", "")).await.unwrap();
    assert_eq!((here.len(), &here[0].user, &here[0].name), (1, &None, &None));
}

#[tokio::test]
async fn another_role_in_a_new_token_is_another_right() {
    spec!("R18");
    let stage = stage().await;
    let (_, mut ada) = stage.in_project("ada", Transport::WebSocket).await;
    ada.room().await;
    let ben = stage.signup("ben").await;
    let store = stage.engine.store();
    let person = store.person(ben.id.as_str().into()).await.unwrap().unwrap();
    let role = |role: &str| Person { role: role.to_owned(), ..person.clone() };
    store.change_person(person.clone(), role("coach")).await.unwrap();
    let coach = stage.login("ben").await.access;
    store.change_person(role("coach"), role("user")).await.unwrap();
    let user = stage.login("ben").await.access;
    let mut socket = stage.device(Some(&coach), "d-ben").await;
    assert_eq!(socket.enters(in_room("p", "")).await.map(|here| here.len()), Ok(1));
    ada.room().await;

    socket.send(format!(r#"{{"auth":{{"token":"{user}"}}}}"#)).await;

    ada.others_left().await;
    let mut socket = stage.device(Some(&user), "d-ben").await;
    assert_eq!(socket.enters(in_room("p", "")).await, Err(Code::NotAllowed));
}

#[tokio::test]
async fn a_batch_speaks_for_no_device_of_another_and_nobody_is_anywhere_by_polls() {
    spec!("P22", "P28");
    let stage = stage().await;
    let (_, mut ada) = stage.in_project("ada", Transport::WebSocket).await;
    let (ben, _socket) = stage.in_project("ben", Transport::Poll).await;
    let bearer = format!("Bearer {}", ben.access);
    let room = json!({"table": "t", "where": {"eq": ["b", "p"]}});
    let said = json!({"device": "d-ada", "presence": [{"room": room, "tab": "x"}]});

    let answer = stage.post("/api/sync/batch", &said, &[("authorization", &bearer)]).await;

    assert_eq!((answer.status, answer.body["results"]["results"].clone()), (200, json!([])));
    assert_eq!(ada.room().await, (true, vec![], vec![]), "she is where she said, and nobody else");
    assert_eq!(ada.enters(in_room("p", r#","tab":"two""#)).await.map(|here| here.len()), Ok(1), "her other tab");
}
