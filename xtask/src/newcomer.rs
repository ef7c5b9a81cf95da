//! README's first line, run as somebody does who has a Rust toolchain, a C compiler, and no node.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, bail};

use crate::shell;

/// What the demo has to print.
const WORDS: [&str; 5] = ["http://127.0.0.1:", "ada@example.com", "ben@example.com", "cleo@example.com", "pickup-game"];
/// From the start of cargo to the words; what is not built yet is built meanwhile.
const PATIENCE: Duration = Duration::from_secs(300);
const TOOLS_THAT_ARE_ABSENT: [&str; 3] = ["node", "npm", "npx"];

pub(crate) fn run_readme() -> anyhow::Result<()> {
    let line = first_line()?;
    println!("$ {line}   (node and npm absent)");
    let folder = shell::target_folder().join("newcomer");
    let _ = fs::remove_dir_all(&folder);
    let tools = hide_tools(&folder.join("bin"))?;

    let mut words = line.split_whitespace();
    let program = words.next().context("README's first block is empty")?;
    let child = Command::new(program)
        .args(words)
        // A free port and a folder of its own; otherwise as it stands there.
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(folder.join("data"))
        .current_dir(shell::root())
        .env("PATH", tools)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let demo = Ended(child);
    watch(demo)?;
    if folder.join("bin/used").exists() {
        bail!("`{line}` calls node or npm");
    }
    Ok(())
}

fn first_line() -> anyhow::Result<String> {
    let readme = fs::read_to_string(shell::root().join("README.md")).context("cannot read README.md")?;
    let mut lines = readme.lines().skip_while(|line| !line.starts_with("```")).skip(1);
    lines.next().map(str::to_owned).context("README has no fenced block")
}

/// Puts programs before those of the machine that say that they were called, and fail as if they were not there.
fn hide_tools(folder: &Path) -> anyhow::Result<std::ffi::OsString> {
    fs::create_dir_all(folder)?;
    for tool in TOOLS_THAT_ARE_ABSENT {
        let path = folder.join(tool);
        fs::write(&path, format!("#!/bin/sh\ntouch '{}'\nexit 127\n", folder.join("used").display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let others = env::var_os("PATH").unwrap_or_default();
    let all = [PathBuf::from(folder)].into_iter().chain(env::split_paths(&others));
    env::join_paths(all).context("cannot write PATH")
}

fn watch(mut demo: Ended) -> anyhow::Result<()> {
    let output = demo.0.stdout.take().context("the demo has no output")?;
    let (line, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = BufReader::new(output).lines().map_while(Result::ok).try_for_each(|text| line.send(text));
    });
    let mut said = String::new();
    while !WORDS.iter().all(|word| said.contains(word)) {
        let next = lines.recv_timeout(PATIENCE);
        let next = next.with_context(|| format!("the demo said no more than:\n{said}"))?;
        said.push_str(&next);
        said.push('\n');
    }
    let address = said.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
    let page = page(address.context("no address")?)?;
    if !page.contains("<html") {
        bail!("the demo's page is no page:\n{page:.300}");
    }
    Ok(())
}

fn page(address: &str) -> anyhow::Result<String> {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// A process that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
