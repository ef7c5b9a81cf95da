//! Loads: chunks, the log over them, resuming.

use std::collections::BTreeMap;

use swain_core::protocol::{Down, LoadToken};
use swain_core::{Key, Millis, Pos, Tag};
use swain_engine::{Input, Output, Session, SessionId, TableConfig, Told};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, everybody, insert, update};

fn filled(rows: u64) -> Bench {
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    for n in 1..=rows {
        bench.push(&mut ada, n, &insert(&format!("k{n:05}"), "x"));
        bench.now = bench.now.plus(Millis(20));
    }
    bench
}

#[test]
fn a_first_sync_is_a_load_and_then_the_device_is_current() {
    spec!("P4");
    spec!("P5");
    spec!("P6");
    let mut bench = filled(2);

    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);

    let story = ben.story();
    let expected = ["welcome last=0 load=Some(false)", "load 0 rows=2", "load_end p3 acked=0", "caught_up p3 acked=0"];
    assert_eq!(story, expected);
}

#[test]
fn what_changes_during_a_load_is_in_staging_before_it_ends() {
    spec!("P5");
    spec!("P6");
    let mut bench = filled(1500);
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let mut half = HalfLoaded::start(&mut bench);

    bench.push(&mut ada, 1501, &update("k00001", "a", "\"x\"", "\"late\""));
    bench.push(&mut ada, 1502, r#"{"delete":{"table":"t","key":["k00002"]}}"#);
    let frames = half.finish(&mut bench);

    let changes = frames.iter().find_map(|frame| match frame {
        Down::LoadChanges(rows) => Some(rows.len()),
        _ => None,
    });
    assert_eq!(changes, Some(2));
    let end = frames.iter().position(|frame| matches!(frame, Down::LoadEnd(_)));
    assert!(end.is_some_and(|end| matches!(frames[end - 1], Down::LoadChanges(_))));
}

#[test]
fn a_cut_load_goes_on_behind_its_last_durable_chunk() {
    spec!("P5");
    let mut bench = filled(1500);
    let half = HalfLoaded::start(&mut bench);

    let mut again = bench.connect("ben", "d-ben", &format!(r#"{SHAPE_T},"load":"{}""#, half.token));

    let story = again.story();
    assert_eq!(story[0], "welcome last=0 load=Some(true)");
    assert_eq!(story[1], "load 0 rows=500");
}

#[test]
fn a_shape_that_is_new_loads_beside_those_that_go_on() {
    spec!("R7");
    let mut bench = filled(1);
    let ada = bench.connect("ada", "d-ada", SHAPE_T);
    let cursor = ada.cursor();

    let shapes = r#""shapes":[{"table":"t"},{"table":"u"}]"#;
    let mut again = bench.connect("ada", "d-ada", &format!(r#"{shapes},"cursor":"{cursor}","acked":1"#));

    let cursor = again.cursor();
    let story = again.story();
    assert_eq!(story[0], "welcome last=1 load=Some(false)");
    assert_eq!(story[1], "load 1 rows=0");
    assert!(story[2].starts_with("load_end"));
    let mut third = bench.connect("ada", "d-ada", &format!(r#"{shapes},"cursor":"{cursor}","acked":1"#));
    assert_eq!(third.story()[0], "welcome last=1 load=None", "both are under the cursor's promise now");
}

#[test]
fn a_load_names_no_row_that_the_user_may_not_read() {
    spec!("P5");
    let read = Some("a = 'public' OR b = auth.id".into());
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), TableConfig { read, ..everybody() })]));
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("pub", "public"));
    let mut half = HalfLoaded::start(&mut bench);

    bench.push(&mut ada, 2, &insert("ada-secret-key", "private"));
    let frames = half.finish(&mut bench);

    assert!(frames.iter().any(|frame| matches!(frame, Down::LoadEnd(_))));
    assert!(!format!("{frames:?}").contains("ada-secret-key"), "{frames:?}");
}

#[test]
fn a_forged_load_token_tells_no_keys_and_does_no_harm() {
    spec!("P13");
    let read = Some("b = auth.id AND a = 'public' OR kept = auth.id".into());
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), TableConfig { read, ..everybody() })]));
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    for n in 1..=5 {
        bench.push(&mut ada, n, &insert(&format!("secret{n}"), "private"));
    }
    let ben = bench.connect("ben", "d-ben", SHAPE_T);
    let token = ben.frames.iter().find_map(|frame| match frame {
        Down::Load(chunk) => LoadToken::decode(&chunk.token),
        _ => None,
    });
    let mut token = token.expect("a load has a token");
    (token.from.pos, token.from.tag, token.shape, token.after) = (Pos(0), Tag(0), 1, None);
    let two_values = LoadToken { shape: 0, after: Some(Key(vec!["a".into(), "b".into()])), ..token.clone() };

    for forged in [token, two_values] {
        let mut again = bench.connect("ben", "d-ben", &format!(r#"{SHAPE_T},"load":"{}""#, forged.encode()));
        let story = again.story();
        assert!(!format!("{story:?}").contains("secret"), "{story:?}");
        assert!(story.iter().any(|frame| frame.starts_with("load_end")), "{story:?}");
    }
}

#[test]
fn an_own_edit_during_a_load_is_acknowledged_with_its_effect() {
    spec!("P9");
    let mut bench = filled(1500);
    let mut half = HalfLoaded::start(&mut bench);

    let op = insert("mine", "x");
    half.session.handle(bench.now, Input::Frame(format!(r#"{{"push":{{"mutations":[{{"n":1,"ops":[{op}]}}]}}}}"#)));
    let mut frames = Vec::new();
    loop {
        ready(bench.engine.follow()).expect("memory does not fail");
        let Some(frame) = half.step(&mut bench) else { break };
        frames.push(frame);
    }

    let acked = |frame: &Down| match frame {
        Down::LoadEnd(end) => Some(end.checkpoint.acked.0),
        Down::Changes { checkpoint, .. } | Down::CaughtUp(checkpoint) | Down::Heartbeat(checkpoint) => {
            Some(checkpoint.acked.0)
        }
        _ => None,
    };
    let first = frames.iter().find(|frame| acked(frame) == Some(1));
    assert!(matches!(first, Some(Down::LoadEnd(_))), "{frames:?}");
}

/// A session that was given its first chunk and no more.
struct HalfLoaded {
    id: SessionId,
    session: Session,
    token: String,
}

impl HalfLoaded {
    fn start(bench: &mut Bench) -> Self {
        Self::with_shapes(bench, SHAPE_T)
    }

    fn with_shapes(bench: &mut Bench, shapes: &str) -> Self {
        let mut session = Session::new(bench.now);
        let id = SessionId(77);
        let hello = format!(r#"{{"hello":{{"protocol":1,"token":"ben","device":"d-ben",{shapes}}}}}"#);
        session.handle(bench.now, Input::Frame(hello));
        let mut half = Self { id, session, token: String::new() };
        loop {
            match half.step(bench).expect("the first chunk comes") {
                Down::Load(chunk) => {
                    half.token = chunk.token;
                    return half;
                }
                _ => continue,
            }
        }
    }

    fn finish(&mut self, bench: &mut Bench) -> Vec<Down> {
        std::iter::from_fn(|| self.step(bench)).collect()
    }

    fn step(&mut self, bench: &mut Bench) -> Option<Down> {
        loop {
            self.session.handle(bench.now, Input::Taken(bench.engine.take(self.id)));
            match self.session.poll(bench.now)? {
                Output::Send(frame) => {
                    return Some(Down::read(&frame).expect("the server writes frames"));
                }
                Output::Close(close) => panic!("closed: {close:?}"),
                Output::Ask(swain_engine::Ask::Authenticate { token }) => {
                    let user = token.map(|token| swain_core::UserId::from(token.as_str()));
                    let auth = swain_core::rule::Auth { user, ..Default::default() };
                    let identity = swain_engine::Identity { auth, expires: None };
                    self.session.handle(bench.now, Input::Told(Told::Identity(Ok(identity))));
                }
                Output::Ask(ask) => {
                    let told = ready(bench.engine.answer(self.id, std::task::Waker::noop(), ask));
                    self.session.handle(bench.now, Input::Told(told));
                }
            }
        }
    }
}
