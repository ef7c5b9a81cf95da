//! A device that was away for longer than the log is kept: a real client, a real server, and its clean-up.

use std::time::Duration;

use crate::support::stage::{On, Stage, everybodys};
use swain_client::{Client, ClientConfig, Code, Key, Patch, Row, Shape, Stop, Written};
use swain_core::{Millis, Pos};
use swain_testkit::{PATIENCE, soon, spec, wait_for};

const TABLES: &str = "
    CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, title TEXT, note TEXT);
    INSERT INTO t (id, title, note) VALUES ('deleted', 'deleted', 'untouched'),
        ('edited and deleted', 'edited and deleted', 'untouched'), ('both', 'both', 'untouched'),
        ('same', 'same', 'untouched');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_below_the_floor_with_unsent_edits_ends_equal_to_the_table_and_its_edits_are_sent() {
    below_the_floor(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_postgresql() {
    below_the_floor(On::Postgres).await;
}

async fn below_the_floor(on: On) {
    spec!("S16", "P13", "C6");
    let stage = Stage::start_on(on, TABLES, [everybodys(&("t", &[]))].into(), |config| {
        config.retention.log = Millis(1_000);
        config.trim_interval = Duration::from_millis(20);
        // By a heartbeat who did not write hears how far the log has got.
        config.heartbeat = Millis(100);
    })
    .await;
    let (away, other) = (connect(&stage).await, connect(&stage).await);
    // Known to the server by a mutation, too.
    synced(set(&away, "same", "title", "before")).await;
    synced(set(&other, "both", "title", "seen by both")).await;
    away.wait_for(PATIENCE, |device| {
        device.visible_rows("t").iter().any(|(_, row)| row.value("title").as_text() == Some("seen by both"))
    })
    .await
    .unwrap();
    away.pause();
    away.wait_for(PATIENCE, |device| device.status().stop == Some(Stop::Paused)).await.unwrap();

    // On the device: an insert, an edit of another column, an edit of a row that goes meanwhile.
    let inserted = away.insert("t", Key::of("inserted"), Row::default().with("title", "by away")).unwrap();
    let merged = set(&away, "both", "note", "by away");
    let lost = set(&away, "edited and deleted", "note", "by away");
    // And elsewhere, meanwhile.
    for key in ["deleted", "edited and deleted"] {
        synced(other.delete("t", Key::of(key)).unwrap()).await;
    }
    synced(set(&other, "both", "title", "by other")).await;
    synced(other.insert("t", Key::of("new"), Row::default().with("title", "by other")).unwrap()).await;
    wait_until_below_the_floor(&stage, away.read(|device| device.pos())).await;
    away.resume();

    synced(inserted).await;
    synced(merged).await;
    let refused = soon("the answer", lost.synced()).await.unwrap_err();
    assert!(refused.to_string().contains(Code::RowGone.as_str()), "{refused}");
    away.sync(PATIENCE).await.unwrap();
    let head = stage.head().await.pos;
    for device in [&away, &other] {
        wait_for("the head", async || (device.read(|device| device.pos()) >= head).then_some(())).await;
        let rows: Vec<Row> = device.rows("t").into_iter().map(|(_, row)| Row::clone(&row)).collect();
        assert_eq!(rows, stage.rows("t", None).await);
    }
    let both = away.row("t", Key::of("both")).unwrap();
    assert_eq!((both.value("title").as_text(), both.value("note").as_text()), (Some("by other"), Some("by away")));
    let keys: Vec<String> = away.rows("t").iter().map(|(key, _)| key.canonical()).collect();
    assert_eq!(keys, [r#"["both"]"#, r#"["inserted"]"#, r#"["new"]"#, r#"["same"]"#]);
    let letters: Vec<Code> = away.read(|device| {
        device
            .dead_letters()
            .filter_map(|entry| entry.result.as_ref()?.problem.as_ref().map(|problem| problem.code))
            .collect()
    });
    assert_eq!(letters, [Code::RowGone]);
}

async fn connect(stage: &Stage) -> Client {
    let config = ClientConfig::new(format!("http://{}", stage.address()), vec![Shape::table("t")]);
    let client = Client::connect(config.with_first_delay(Duration::from_millis(5))).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

fn set(client: &Client, key: &str, column: &str, value: &str) -> Written {
    let patch = Patch { set: Row::default().with(column, value), ..Patch::default() };
    client.update("t", Key::of(key), patch).unwrap()
}

async fn synced(written: Written) {
    soon("the acknowledgement", written.synced()).await.unwrap();
}

async fn wait_until_below_the_floor(stage: &Stage, pos: Pos) {
    wait_for("the floor", async || (stage.head().await.floor > pos).then_some(())).await;
}
