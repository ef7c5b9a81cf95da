//! `swain inbox`: two native devices disagree, and the command line shows and decides it.

use crate::support::shell::{run, swain, well, wrong};
use swain_client::{Client, ClientConfig, Key, Patch, Row, Shape, Stop, auth};
use swain_testkit::{PATIENCE, Program, soon, spec, wait_for};

async fn device(url: &str, email: &str) -> Client {
    let person = auth::login(url, email, "long enough").await.unwrap();
    let shapes = ["lists", "swain_inbox"].map(Shape::table).to_vec();
    let client = Client::connect(ClientConfig::new(url, shapes).with_token(person.access)).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

fn title(client: &Client, title: &str) -> swain_client::Written {
    let patch = Patch { set: Row::default().with("title", title), ..Patch::default() };
    client.update("lists", Key::of("l1"), patch).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_devices_disagree_on_is_shown_and_decided() {
    spec!("M15");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]).await;
    let config = std::fs::read_to_string(path.join("swain.toml")).unwrap();
    let manual = "\n[tables.lists.columns.title]\nstrategy = \"manual\"\n";
    std::fs::write(path.join("swain.toml"), config + manual).unwrap();
    std::fs::write(path.join("word"), "long enough\n").unwrap();
    for email in ["ada@example.com", "ben@example.com"] {
        well(path, &["user", "add", email, "--password-file", "word"]).await;
    }
    assert!(wrong(path, &["inbox", "list"]).await.contains("there is no inbox"));
    let id = {
        let server = Program::start(&mut swain(path, &["serve", "--listen", "127.0.0.1:0"]));
        let url = format!("http://{}", server.address().await);
        let (ada, ben) = (device(&url, "ada@example.com").await, device(&url, "ben@example.com").await);
        ada.insert("lists", Key::of("l1"), Row::default().with("title", "At six")).unwrap().synced().await.unwrap();
        wait_for("the list", || async { ben.row("lists", Key::of("l1")) }).await;
        ben.pause();
        ben.wait_for(PATIENCE, |device| device.status().stop == Some(Stop::Paused)).await.unwrap();
        let late = title(&ben, "At eight");
        soon("ada's edit", title(&ada, "At seven").synced()).await.unwrap();
        ben.resume();
        soon("ben's edit", late.synced()).await.unwrap();

        let listed = well(path, &["inbox", "list"]).await;
        assert!(listed.contains("conflict  lists.title [\"l1\"]"), "{listed}");
        let id = listed.split_whitespace().next().unwrap().to_owned();
        wait_for("the conflict on ada's device", || async { ada.row("swain_inbox", Key::of(id.as_str())) }).await;
        let shown = well(path, &["inbox", "show", &id]).await;
        assert!(shown.contains("mine: \"At eight\"") && shown.contains("theirs: \"At seven\""), "{shown}");
        let busy = wrong(path, &["inbox", "resolve", &id, "mine", "--as", "ada@example.com"]).await;
        assert!(busy.contains("decide in the application while its server runs"), "{busy}");
        id
    };

    // The file is free once the server has really ended.
    let resolve = || async {
        let said = run(path, &["inbox", "resolve", &id, "mine", "--as", "ada@example.com"]).await;
        (said.code == 0).then_some(said.out)
    };
    let decided = wait_for("the decision", resolve).await;
    assert!(decided.contains("mine by"), "{decided}");
    let late = wrong(path, &["inbox", "resolve", &id, "theirs", "--as", "ben@example.com"]).await;
    assert!(late.contains("somebody has decided this already"), "{late}");
    let all: serde_json::Value =
        serde_json::from_str(&well(path, &["inbox", "list", "--all", "--json"]).await).unwrap();
    assert_eq!((&all[0]["resolution"], &all[0]["state"]), (&"At eight".into(), &"resolved".into()));
    assert_eq!(well(path, &["inbox", "list"]).await.trim(), "nothing waits");
}
