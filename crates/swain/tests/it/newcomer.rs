//! The command line as somebody meets it who has just got it.
use std::net::SocketAddr;
use std::path::Path;

use swain_client::{Client, ClientConfig, Key, Row, Shape, auth};
use swain_testkit::{PATIENCE, Program, spec};
use tempfile::TempDir;
use tokio::process::Command;

fn swain(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swain"));
    // Nothing of node, npm or any other tool.
    command.env("PATH", folder).current_dir(folder).args(arguments);
    command
}

#[tokio::test]
async fn the_demo_runs_and_keeps_its_data() {
    spec!("S10", "P17");
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "pace", "--listen", "127.0.0.1:0"];
    let mut demo = Program::start(&mut swain(folder.path(), &arguments));
    let address = demo.address().await;
    demo.says("Ctrl-C ends it").await;
    for word in ["ada@example.com", "ben@example.com", "cleo@example.com", "pickup-game"] {
        assert!(demo.output().contains(word), "{}", demo.output());
    }

    let page = get(address, "/").await;
    assert_eq!(page.0, 200);
    assert!(page.1.contains("<html"), "{}", page.1);
    assert_eq!(get(address, "/swain.js").await.0, 200);
    let client = client(address).await;
    let evening = Row::default().with("place", "Riverside").with("played_on", "2026-11-20");
    client.insert("sessions", Key::of("s-new"), evening).unwrap().synced().await.unwrap();

    demo.signal("INT").await;
    assert!(demo.end().await.success());
    let secret = folder.path().join(".swain/pace/jwt.secret");
    let mode = std::os::unix::fs::MetadataExt::mode(&secret.metadata().unwrap());
    assert_eq!(mode & 0o777, 0o600);

    let listen = address.to_string();
    let again = ["demo", "pace", "--listen", &listen];
    let mut demo = Program::start(&mut swain(folder.path(), &again));
    demo.address().await;
    // The client that was there comes back by itself, with its sign-in of before.
    client.sync(PATIENCE).await.unwrap();
    let other = self::client(address).await;
    assert!(other.row("sessions", Key::of("s-new")).is_some());
    demo.signal("TERM").await;
    assert!(demo.end().await.success());

    let fresh = ["demo", "--fresh", "--listen", "127.0.0.1:0"];
    let demo = Program::start(&mut swain(folder.path(), &fresh));
    let other = self::client(demo.address().await).await;
    assert!(other.row("sessions", Key::of("s-new")).is_none());
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "pace", "--listen", "127.0.0.1:0"];
    let demo = Program::start(&mut swain(folder.path(), &arguments));
    demo.address().await;

    let mut second = swain(folder.path(), &["demo", "--fresh", "--listen", "127.0.0.1:0"]);
    let second = second.output().await.unwrap();

    assert!(!second.status.success());
    let words = String::from_utf8_lossy(&second.stderr);
    assert!(words.contains("a server runs on") && words.contains("--data"), "{words}");
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Ada's, with everything here.
async fn client(address: SocketAddr) -> Client {
    let url = format!("http://{address}");
    let ada = auth::login(&url, "ada@example.com", "pickup-game").await.unwrap();
    assert_eq!(ada.user.as_str(), "ada");
    let config = ClientConfig::new(url, vec![Shape::table("sessions")]).with_token(ada.access);
    let client = Client::connect(config).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

// ---- mistakes ----

/// A folder with a configuration and a database with a table t (id, owner).
async fn project(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("swain.toml"), config).unwrap();
    let options = swain_sqlite::SqliteOptions::system();
    let store = swain_sqlite::SqliteStore::open(folder.path().join("swain.db"), options).unwrap();
    let sql = "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, owner TEXT)";
    store.execute_outside(sql).await.unwrap();
    folder
}

/// How a command ends: its code, and what it said.
async fn ends(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut program = Program::start(&mut swain(folder, arguments));
    let code = program.end().await.code().unwrap();
    (code, program.output())
}

#[tokio::test]
async fn mistakes_are_shown_with_their_place() {
    for (config, words) in [
        ("[server]\nlisen = \"x\"\n", ["unknown field `lisen`", "2 | lisen", "^^^^^\nunk"]),
        ("[server]\nlisen = \"x\"\n", ["swain.toml is not right, line 2", "did you mean `listen`?", "^"]),
        ("[server]\nheartbeat_ms = \"1 s\"\n", ["invalid type: string", "2 | heartbeat_ms = \"1 s\"", "^^^^^"]),
        ("[server]\nmax_connections = 0\n", ["nonzero", "2 | max_connections", "^"]),
        ("[server]\nlisten = \"nowhere\"\n", ["invalid socket address", "2 | listen", "^^^^"]),
        ("[server\n", ["swain.toml is not right", "1 | [server", "^"]),
        ("[tables.v]\nread = \"true\"\n", ["1 | [tables.v]", "        ^\n", "no table 'v'"]),
        (
            "[tables.t]\nread = \"ownr = auth.id\"\n",
            ["2 | read = \"ownr = auth.id\"", "         ^^^^\n", "'t' has no column 'ownr'"],
        ),
        ("[tables.t]\nread = \"owner > auth.id\"\n", ["[tables.t] read", "owner >", "         ^^^^^\n"]),
        ("[tables.T]\nread = \"true\"\n", ["no table 'T'", "did you mean [tables.t]?", "^"]),
        (
            "[tables.t]\nscopes = [\"owner\", \"ower\"]\n",
            ["2 | scopes", "                    ^^^^\n", "no column 'ower'"],
        ),
        ("[tables.t.columns.owner]\nstrategy = \"best\"\n", ["2 | strategy", "^^^^", "not one of last-write-wins"]),
        (
            "[tables.t.columns.owner]\nstrategy = \"max\"\n",
            ["1 | [tables.t.columns.owner]", "^^^^^", "'max' makes nothing"],
        ),
        ("[tables.t.columns.owner]\nseparator = \"-\"\n", ["2 | separator", "^", "strategy = \"concat\""]),
        ("", ["names no table", "[tables.NAME]", "add"]),
    ] {
        let folder = project(config).await;
        let (code, said) = ends(folder.path(), &["serve", "--listen", "127.0.0.1:0"]).await;
        assert_eq!(code, 1, "{said}");
        for word in words {
            assert!(said.contains(word), "{word} is missing in:\n{said}");
        }
    }
}

#[tokio::test]
async fn a_missing_file_or_database_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = ends(folder.path(), &["serve"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("there is no swain.toml") && said.contains("swain demo"), "{said}");

    std::fs::write(folder.path().join("swain.toml"), "[tables.t]\n").unwrap();
    let (code, said) = ends(folder.path(), &["check"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("there is no database swain.db"), "{said}");
}

#[tokio::test]
async fn wrong_usage_exits_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["sevre"] as &[_], &["serve", "--listen", "nowhere"], &["demo", "boats"]] {
        assert_eq!(ends(folder.path(), arguments).await.0, 2, "{arguments:?}");
    }
}

#[tokio::test]
async fn check_tells_who_may_do_what_and_user_add_makes_accounts() {
    let folder = project("[tables.t]\nread = \"true\"\nwrite = \"owner = auth.id\"\n").await;

    let (code, said) = ends(folder.path(), &["check"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("t: read true; insert owner = auth.id"), "{said}");

    let (code, said) = ends(folder.path(), &["user", "add", "eve@example.com"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("password: "), "{said}");
    let (code, said) = ends(folder.path(), &["user", "add", "eve@example.com"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("has an account"), "{said}");
}

#[tokio::test]
async fn variables_set_every_key_and_wrong_ones_are_named() {
    let folder = project("[tables.t]\nread = \"true\"\n").await;
    let check = |variables: &[(&str, &str)]| {
        let mut command = swain(folder.path(), &["check", "--json"]);
        command.envs(variables.iter().copied());
        async move {
            let output = command.output().await.unwrap();
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            (output.status.code().unwrap(), report)
        }
    };

    let (code, report) = check(&[("SWAIN_TABLES_T_WRITE", "owner = auth.id"), ("VITE_SYNC_DEBUG", "true")]).await;
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["tables"]["t"]["update"], "owner = auth.id");
    assert!(report["notes"][0].as_str().unwrap().contains("`debug`"), "{report}");

    for (name, value, words) in [
        ("SWAIN_TABLES_T_WRITE", "ownr = auth.id", "the environment's SWAIN_TABLES_T_WRITE is not right"),
        ("SWAIN_SERVER_LISTNE", "127.0.0.1:1", "the nearest is SWAIN_SERVER_LISTEN"),
        ("SSE_HEARTBEAT_INTERVAL", "often", "SSE_HEARTBEAT_INTERVAL is not right"),
    ] {
        let (code, report) = check(&[(name, value)]).await;
        assert_eq!(code, 1);
        assert!(report["error"].as_str().unwrap().contains(words), "{report}");
    }
}

#[tokio::test]
async fn a_secret_that_others_may_write_is_refused_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = project("[auth]\njwt_secret_file = \"secret\"\n[tables.t]\nread = \"true\"\n").await;
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o666)).unwrap();

    let (code, said) = ends(folder.path(), &["serve", "--listen", "127.0.0.1:0"]).await;

    assert_eq!(code, 1, "{said}");
    assert!(said.contains("others may write secret (mode 666)") && said.contains("chmod 600 secret"), "{said}");
}

#[tokio::test]
async fn a_port_in_use_names_the_way_out() {
    let folder = project("[tables.t]\nread = \"true\"\n").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let (code, said) = ends(folder.path(), &["serve", "--listen", &address]).await;

    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cannot listen on") && said.contains("--listen 127.0.0.1:0"), "{said}");
}
