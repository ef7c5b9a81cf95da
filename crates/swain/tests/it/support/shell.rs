//! The program in a folder, as somebody runs it in a shell.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

/// How a command ended, and what it said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Nothing of node, npm or any other tool, and nothing of the environment that runs the tests.
pub(crate) fn swain(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swain"));
    command.env("PATH", folder).env_remove("RUST_LOG").current_dir(folder).args(arguments);
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    command
}

pub(crate) async fn run(folder: &Path, arguments: &[&str]) -> Said {
    let Output { status, stdout, stderr } = swain(folder, arguments).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: status.code().unwrap(), out: text(&stdout), err: text(&stderr) }
}

/// One that has to go well; gives what it said.
pub(crate) async fn well(folder: &Path, arguments: &[&str]) -> String {
    let said = run(folder, arguments).await;
    assert_eq!(said.code, 0, "swain {arguments:?}\n{}{}", said.out, said.err);
    said.out
}

/// One that has to go wrong; gives what it said.
pub(crate) async fn wrong(folder: &Path, arguments: &[&str]) -> String {
    let said = run(folder, arguments).await;
    assert_eq!(said.code, 1, "swain {arguments:?}\n{}{}", said.out, said.err);
    said.err
}
