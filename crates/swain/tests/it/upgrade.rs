//! A data directory of a released version is taken over as it is.
use std::path::Path;

use swain_client::{Client, ClientConfig, Row, Shape, auth};
use swain_testkit::{PATIENCE, Program, spec};
use tokio::process::Command;

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/v0.1.0/swain.db");

#[tokio::test]
async fn the_data_of_0_1_0_is_served_and_goes_on() {
    spec!("S1");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::copy(RELEASED, data.join("swain.db")).unwrap();
    // The server ends with its value.
    let (_server, client) = open(folder.path(), &data).await;

    let games = client.rows("games");
    let (key, game) = games.iter().find(|(_, row)| is_running(row)).expect("the game that was being played");
    assert_eq!(score(game), (15, 12));

    let tap = Row::default().with("score_a", 16);
    client.update("games", key.clone(), tap).unwrap().synced().await.unwrap();
    assert_eq!(score(&client.row("games", key.clone()).unwrap()), (16, 12));
}

async fn open(folder: &Path, data: &Path) -> (Program, Client) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swain"));
    command.current_dir(folder).args(["demo", "pace", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    let demo = Program::start(&mut command);
    let url = format!("http://{}", demo.address().await);
    let ada = auth::login(&url, "ada@example.com", "pickup-game").await.unwrap();
    let config = ClientConfig::new(url, vec![Shape::table("games")]).with_token(ada.access);
    let client = Client::connect(config).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    (demo, client)
}

fn is_running(row: &Row) -> bool {
    *row.value("running") == true.into()
}

fn score(row: &Row) -> (i64, i64) {
    let of = |column| row.value(column).as_int().unwrap();
    (of("score_a"), of("score_b"))
}
