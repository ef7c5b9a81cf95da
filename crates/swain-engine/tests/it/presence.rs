//! Who is where: who is let into a room, what the others hear, and when it ends.

use std::collections::BTreeMap;

use swain_core::limits::{PRESENCE_ROOMS_MAX, PRESENCE_STATE_BYTES_MAX};
use swain_core::protocol::{Close, Down, Nearby, Other};
use swain_core::{Code, Millis};
use swain_engine::limits::{HEARTBEAT_MS, PRESENCE_INTERVAL_MS, PRESENCE_MEMBERS_MAX, PRESENCE_SILENCES_MAX};
use swain_engine::{Input, TableConfig};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, Connection, SHAPE_T, everybody, owned};
use crate::memberships::{IN_PROJECT, bench};

/// A frame that says that its device is in project `b` of t.
fn is_in(b: &str, more: &str) -> String {
    format!(r#"{{"presence":{{"room":{{"table":"t","where":{{"eq":["b","{b}"]}}}}{more}}}}}"#)
}

fn on_row(b: &str, key: &str) -> String {
    is_in(b, &format!(r#","row":["{key}"],"state":{{"x":1}}"#))
}

impl Bench {
    /// A device of a member, who is in the room of its project.
    fn member_in(&mut self, user: &str, b: &str) -> Connection {
        let mut connection = self.connect(user, &format!("d-{user}"), SHAPE_T);
        self.send(&mut connection, &is_in(b, ""));
        connection
    }

    /// Time passes, a heartbeat at most at once.
    fn wait(&mut self, connections: &mut [&mut Connection], ms: u64) {
        self.now = self.now.plus(Millis(ms));
        for connection in connections {
            self.input(connection, Input::Tick);
        }
    }

    /// Everybody hears what there is.
    fn look(&mut self, connections: &mut [&mut Connection]) {
        self.wait(connections, PRESENCE_INTERVAL_MS);
    }
}

impl Connection {
    /// Who is in the rooms with it, by number: whom it takes them for, and what they said.
    fn around(&self) -> BTreeMap<u64, String> {
        let mut around = BTreeMap::new();
        for frame in &self.frames {
            let Down::Presence(Nearby::Room { is_whole, here, left, .. }) = frame else { continue };
            if *is_whole {
                around.clear();
            }
            around.extend(here.iter().map(|other| (other.id, tell(other))));
            left.iter().for_each(|id| drop(around.remove(id)));
        }
        around
    }

    fn sees(&self) -> Vec<String> {
        self.around().into_values().collect()
    }

    fn refusal(&self) -> Option<Code> {
        self.frames.iter().rev().find_map(|frame| match frame {
            Down::Presence(Nearby::Refused { problem, .. }) => Some(problem.code),
            _ => None,
        })
    }

    fn presence_frames(&self) -> usize {
        self.frames.iter().filter(|frame| matches!(frame, Down::Presence(_))).count()
    }
}

fn tell(other: &Other) -> String {
    let user = other.user.as_ref().map_or("visitor", |user| user.as_str());
    match &other.said {
        None => format!("{user} somewhere"),
        Some((row, state)) => {
            let row = row.as_ref().map_or("nowhere".to_owned(), swain_core::Key::canonical);
            format!("{user} {row} {}", state.canonical())
        }
    }
}

#[test]
fn two_in_a_room_see_each_other_come_move_and_leave() {
    spec!("P28");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    bench.row_is("r", "p", "x");

    let mut ada = bench.member_in("ada", "p");
    assert_eq!(ada.sees(), [""; 0], "she is told that she is alone");
    assert_eq!(ada.presence_frames(), 1);
    let mut ben = bench.member_in("ben", "p");
    bench.look(&mut [&mut ada]);
    assert_eq!((ada.sees(), ben.sees()), (vec!["ben nowhere {}".into()], vec!["ada nowhere {}".into()]));

    bench.send(&mut ben, &on_row("p", "r"));
    bench.look(&mut [&mut ada, &mut ben]);
    assert_eq!(ada.sees(), [r#"ben ["r"] {"x":1}"#]);

    bench.send(&mut ben, &is_in("p", r#","leave":true"#));
    bench.look(&mut [&mut ada, &mut ben]);
    assert_eq!(ada.sees(), [""; 0]);
}

#[test]
fn tabs_of_one_device_are_each_somewhere() {
    spec!("P28");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    let mut ada = bench.member_in("ada", "p");
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);

    bench.send(&mut ben, &is_in("p", r#","tab":"one","state":{"n":1}"#));
    bench.send(&mut ben, &is_in("p", r#","tab":"two","state":{"n":2}"#));
    bench.look(&mut [&mut ada, &mut ben]);
    assert_eq!(ada.sees(), [r#"ben nowhere {"n":1}"#, r#"ben nowhere {"n":2}"#]);
    bench.send(&mut ben, r#"{"presence":{"tab":"one","leave":true}}"#);
    bench.look(&mut [&mut ada, &mut ben]);

    assert_eq!(ada.sees(), [r#"ben nowhere {"n":2}"#]);
}

#[test]
fn who_holds_no_shape_of_a_scope_is_not_let_in() {
    spec!("R18");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    let mut ada = bench.member_in("ada", "p");

    let mut stranger = bench.member_in("cyd", "p");
    let mut elsewhere = bench.connect("ben", "d-ben", r#""shapes":[{"table":"t","where":{"eq":["b","q"]}}]"#);
    bench.send(&mut elsewhere, &is_in("p", ""));
    let mut everywhere = bench.connect("ada", "d-ada-2", SHAPE_T);
    bench.send(&mut everywhere, r#"{"presence":{"room":{"table":"t"}}}"#);
    bench.look(&mut [&mut ada, &mut stranger, &mut elsewhere]);

    for refused in [&stranger, &elsewhere, &everywhere] {
        assert_eq!((refused.refusal(), refused.closed), (Some(Code::NotAllowed), None));
        assert_eq!(refused.sees(), [""; 0]);
    }
    assert_eq!(ada.sees(), [""; 0], "and nobody hears of them");
}

#[test]
fn a_room_is_a_table_or_one_value_of_a_scope() {
    spec!("R18");
    let mut bench = bench("true");
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let code = |bench: &mut Bench, ada: &mut Connection, room: &str| {
        ada.frames.clear();
        bench.send(ada, &format!(r#"{{"presence":{{"room":{room}}}}}"#));
        ada.refusal()
    };

    assert_eq!(code(&mut bench, &mut ada, r#"{"table":"t"}"#), None, "its rows belong to everybody");
    assert_eq!(code(&mut bench, &mut ada, r#"{"table":"t","where":{"eq":["b","p"]}}"#), None);
    let many = r#"{"table":"t","where":{"in":["b",["p","q"]]}}"#;
    assert_eq!(code(&mut bench, &mut ada, many), Some(Code::BadFilter));
    let no_scope = r#"{"table":"t","where":{"eq":["a","p"]}}"#;
    assert_eq!(code(&mut bench, &mut ada, no_scope), Some(Code::ShapeNeedsScope));
    assert_eq!(code(&mut bench, &mut ada, r#"{"table":"x"}"#), Some(Code::UnknownTable));
    assert_eq!(ada.closed, None);
}

#[test]
fn a_revoked_member_neither_sees_nor_is_seen() {
    spec!("R18");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    bench.member_is("o", "p", "cyd");
    let (mut ada, mut ben, mut cyd) =
        (bench.member_in("ada", "p"), bench.member_in("ben", "p"), bench.member_in("cyd", "p"));
    bench.look(&mut [&mut ada, &mut ben, &mut cyd]);
    assert_eq!(ben.sees().len(), 2);

    // What waits for ben when the right goes is not told; what cyd says after it neither.
    bench.send(&mut ada, &is_in("p", r#","state":{"secret":1}"#));
    bench.member_goes("n");
    ready(bench.engine.follow()).expect("memory does not fail");
    bench.send(&mut cyd, &is_in("p", r#","state":{"secret":2}"#));
    ben.frames.clear();
    bench.look(&mut [&mut ada, &mut ben, &mut cyd]);

    assert_eq!(ben.story(), ["goaway 0"]);
    assert_eq!(ada.sees(), [r#"cyd nowhere {"secret":2}"#]);
    assert_eq!(cyd.sees(), [r#"ada nowhere {"secret":1}"#]);
    let mut back = bench.member_in("ben", "p");
    bench.look(&mut [&mut ada, &mut cyd, &mut back]);
    assert_eq!((back.refusal(), back.sees().len(), ada.sees().len()), (Some(Code::NotAllowed), 0, 1));
    bench.member_is("n", "p", "ben");
    let mut back = bench.member_in("ben", "p");
    bench.look(&mut [&mut ada, &mut back]);
    assert_eq!((back.sees().len(), ada.sees().len()), (2, 2), "and with the right he is there again");
}

#[test]
fn presence_does_not_make_a_membership_everybodys_business() {
    spec!("R18", "R11");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "q", "ben");
    bench.row_is("r", "q", "x");
    let mut ada = bench.member_in("ada", "p");
    let mut ben = bench.member_in("ben", "q");
    bench.send(&mut ben, &on_row("q", "r"));
    bench.look(&mut [&mut ada, &mut ben]);
    let asks = ben.asks;
    ben.story();

    bench.member_is("o", "p", "cyd");
    bench.member_goes("o");
    bench.member_goes("m");
    bench.run(&mut ben);

    assert_eq!((ben.story().len(), ben.asks), (0, asks), "no frame, no query");
}

#[test]
fn on_which_row_somebody_is_knows_who_may_read_the_row() {
    spec!("R18");
    // Everybody in a project is in its room; the rows of it are for those who are named, or for all.
    let rule = format!("{IN_PROJECT} AND (kept IS NULL OR kept = auth.id)");
    let mut bench = bench(&rule);
    for user in ["ada", "ben", "cyd"] {
        bench.member_is(user, "p", user);
    }
    bench.row_is("open", "p", "x");
    bench.row_is("other", "q", "x");
    let kept = |bench: &Bench, by: Option<&str>| {
        let row = swain_core::Row::default().with("id", "mine").with("a", "x").with("b", "p");
        bench.outside("t", "mine", Some(by.map_or(row.clone(), |by| row.with("kept", by))));
    };
    kept(&bench, Some("ben"));
    let (mut ada, mut ben) = (bench.member_in("ada", "p"), bench.member_in("ben", "p"));
    let mut is_on = |bench: &mut Bench, ada: &mut Connection, row: &str| {
        bench.send(&mut ben, &on_row("p", row));
        bench.look(&mut [ada, &mut ben]);
        ada.sees()
    };

    assert_eq!(is_on(&mut bench, &mut ada, "open"), [r#"ben ["open"] {"x":1}"#]);
    assert_eq!(is_on(&mut bench, &mut ada, "mine"), ["ben somewhere"]);
    kept(&bench, None);
    bench.look(&mut [&mut ada]);
    assert_eq!(ada.sees(), [r#"ben ["mine"] {"x":1}"#], "it has been opened");
    kept(&bench, Some("cyd"));
    bench.look(&mut [&mut ada]);
    assert_eq!(ada.sees(), ["ben somewhere"], "and given to somebody else");
    assert_eq!(is_on(&mut bench, &mut ada, "other"), ["ben somewhere"], "a row of another project");
    assert_eq!(is_on(&mut bench, &mut ada, "none"), ["ben somewhere"], "no row at all, yet");
    bench.row_is("none", "p", "x");
    bench.look(&mut [&mut ada]);
    assert_eq!(ada.sees(), [r#"ben ["none"] {"x":1}"#]);
}

#[test]
fn a_connection_that_is_lost_takes_its_presence_along() {
    spec!("P28");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    let mut ada = bench.member_in("ada", "p");
    let ben = bench.member_in("ben", "p");
    bench.look(&mut [&mut ada]);

    bench.engine.close(ben.id);
    bench.look(&mut [&mut ada]);
    assert_eq!(ada.sees(), [""; 0]);

    // The same device again is not there twice.
    let mut first = bench.member_in("ben", "p");
    let mut second = bench.member_in("ben", "p");
    bench.look(&mut [&mut ada, &mut first, &mut second]);
    assert_eq!((first.closed, ada.sees().len(), second.sees().len()), (Some(Close::Superseded), 1, 1));
}

#[test]
fn another_role_ends_the_presence_with_the_stream() {
    spec!("R18");
    let mut bench = bench("auth.role = 'coach'");
    let mut ada = bench.connect("ada/coach", "d-ada", SHAPE_T);
    let mut ben = bench.connect("ben/coach", "d-ben", SHAPE_T);
    let room = r#"{"presence":{"room":{"table":"t"}}}"#;
    bench.send(&mut ada, room);
    bench.send(&mut ben, room);
    bench.look(&mut [&mut ada]);
    assert_eq!(ada.sees().len(), 1);

    bench.send(&mut ben, r#"{"auth":{"token":"ben/athlete"}}"#);
    bench.look(&mut [&mut ada]);
    let mut back = bench.connect("ben/athlete", "d-ben", SHAPE_T);
    bench.send(&mut back, room);

    assert_eq!((ada.sees().len(), back.refusal()), (0, Some(Code::NotAllowed)));
}

#[test]
fn a_tab_that_does_not_answer_is_gone_after_three_heartbeats() {
    spec!("P28");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    let (mut ada, mut ben) = (bench.member_in("ada", "p"), bench.member_in("ben", "p"));
    bench.look(&mut [&mut ada, &mut ben]);
    let started = bench.now;

    let mut left_at = None;
    while left_at.is_none() && bench.now < started.plus(Millis(HEARTBEAT_MS * 10)) {
        bench.wait(&mut [&mut ben, &mut ada], HEARTBEAT_MS / 5);
        if ada.frames.iter().any(|frame| matches!(frame, Down::Presence(Nearby::Ask))) {
            ada.frames.retain(|frame| !matches!(frame, Down::Presence(Nearby::Ask)));
            bench.send(&mut ada, r#"{"presence":{}}"#);
        }
        left_at = ada.sees().is_empty().then_some(bench.now);
    }

    let silence = left_at.expect("he is gone").since(started).0;
    assert!(
        (HEARTBEAT_MS * (PRESENCE_SILENCES_MAX - 1)..=HEARTBEAT_MS * (PRESENCE_SILENCES_MAX + 1)).contains(&silence)
    );
    assert!(silence <= HEARTBEAT_MS * PRESENCE_SILENCES_MAX + HEARTBEAT_MS / 5, "{silence}");
    let heartbeats = ben.frames.iter().filter(|frame| matches!(frame, Down::Heartbeat(_))).count();
    assert!(heartbeats >= 2, "the cursor moves as ever");
    // The stream is well. When the tab speaks again it is told to say where it is.
    ben.frames.clear();
    bench.send(&mut ben, r#"{"presence":{}}"#);
    assert!(ben.frames.iter().any(|frame| matches!(frame, Down::Presence(Nearby::Again(_)))));
    bench.send(&mut ben, &is_in("p", ""));
    bench.look(&mut [&mut ada, &mut ben]);
    assert_eq!((ada.sees().len(), ben.sees().len()), (1, 1));
}

#[test]
fn others_are_told_no_faster_than_anybody_looks_and_the_latest_counts() {
    spec!("P28", "P16");
    let mut bench = bench(IN_PROJECT);
    bench.member_is("m", "p", "ada");
    bench.member_is("n", "p", "ben");
    let (mut ada, mut ben) = (bench.member_in("ada", "p"), bench.member_in("ben", "p"));
    bench.look(&mut [&mut ada, &mut ben]);
    ada.frames.clear();

    for x in 0..PRESENCE_INTERVAL_MS {
        bench.send(&mut ben, &is_in("p", &format!(r#","state":{{"x":{x}}}"#)));
        bench.wait(&mut [&mut ada], 1);
    }

    assert_eq!(ada.presence_frames(), 1);
    bench.look(&mut [&mut ada]);
    assert_eq!(ada.sees(), [format!(r#"ben nowhere {{"x":{}}}"#, PRESENCE_INTERVAL_MS - 1)]);
    assert!(ada.presence_frames() <= 2);
}

#[test]
fn what_is_said_has_a_size() {
    spec!("P16", "P28");
    let mut bench = bench("true");
    let said = |bytes: usize| {
        let frame = r#"{"x":""}null"#.len();
        is_in("p", &format!(r#","state":{{"x":"{}"}}"#, "x".repeat(bytes - frame)))
    };
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);

    bench.send(&mut ada, &said(PRESENCE_STATE_BYTES_MAX));
    assert_eq!((ada.closed, ada.refusal()), (None, None));
    bench.send(&mut ada, &said(PRESENCE_STATE_BYTES_MAX + 1));

    assert_eq!(ada.closed, Some(Close::BadMessage));
    assert_eq!(ada.story().last().map(String::as_str), Some("problem limit_presence_bytes"));
}

#[test]
fn rooms_and_those_in_them_have_a_number() {
    spec!("P16", "P28");
    let mut bench = bench("true");
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    for room in 0..PRESENCE_ROOMS_MAX {
        bench.send(&mut ada, &is_in(&format!("p{room}"), ""));
    }
    assert_eq!(ada.refusal(), None);
    bench.send(&mut ada, &is_in("one more", ""));
    assert_eq!((ada.refusal(), ada.closed), (Some(Code::LimitPresenceRooms), None));

    bench.engine.close(ada.id);
    for n in 0..PRESENCE_MEMBERS_MAX {
        let mut member = bench.connect(&format!("u{n}"), &format!("d{n}"), SHAPE_T);
        bench.send(&mut member, &is_in("p", ""));
        assert_eq!(member.refusal(), None);
    }
    let mut late = bench.connect("late", "d-late", SHAPE_T);
    bench.send(&mut late, &is_in("p", ""));
    assert_eq!((late.refusal(), late.closed), (Some(Code::LimitPresenceMembers), None));
    // More tabs than rooms: one after the other leaves room for the next.
    for tab in 0..=PRESENCE_ROOMS_MAX {
        bench.now = bench.now.plus(Millis(PRESENCE_INTERVAL_MS));
        bench.send(&mut late, &is_in("q", &format!(r#","tab":"{tab}""#)));
    }
    assert_eq!((late.refusal(), late.closed), (Some(Code::LimitPresenceRooms), None));
}

#[test]
fn presence_is_not_in_the_log() {
    spec!("P28");
    let tables = BTreeMap::from([("t".to_owned(), everybody()), ("u".to_owned(), TableConfig::default())]);
    let mut bench = Bench::with(BTreeMap::from([("u".to_owned(), owned())]).into_iter().chain(tables).collect());
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let before = bench.engine.store().positions().len();

    bench.send(&mut ada, &is_in("p", r#","state":{"x":1}"#));
    bench.look(&mut [&mut ada]);

    assert_eq!(bench.engine.store().positions().len(), before);
}
