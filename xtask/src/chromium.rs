//! The browser of the browser tests: found, installed where we may, or asked for.

use std::path::PathBuf;

use anyhow::bail;

use crate::shell::{self, Program};

/// The smaller first; each can do everything that the tests ask.
const PLACES: &[&str] = &[
    "/usr/bin/chromium-headless-shell",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome-stable",
    "/usr/bin/google-chrome",
];

const PACKAGES: &[&str] = &["chromium-headless-shell", "chromium"];

/// The path of a browser, installing one if need be.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    if let Some(path) = find() {
        return Ok(path);
    }
    install()?;
    match find() {
        Some(path) => Ok(path),
        None => bail!("a browser was installed, but is at none of {}", PLACES.join(", ")),
    }
}

fn find() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named.into_iter().chain(PLACES.iter().map(PathBuf::from)).find(|path| path.exists())
}

fn install() -> anyhow::Result<()> {
    if !shell::is_there("apt-get", "--version") {
        bail!("Chromium is needed: install it, or set CHROMIUM to its path, and run this again");
    }
    if !is_root() {
        bail!(
            "Chromium is needed: `sudo apt-get update && sudo apt-get install -y {}`, \
             or set CHROMIUM to its path",
            PACKAGES[0]
        );
    }
    // A new machine has no package lists, an old one has stale ones: ask again before giving up.
    if apt_get(&["install", "-y", "--no-install-recommends", PACKAGES[0]]).is_ok() {
        return Ok(());
    }
    apt_get(&["update"])?;
    let mut last = Ok(());
    for package in PACKAGES {
        last = apt_get(&["install", "-y", "--no-install-recommends", package]);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    Program::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").run()
}

fn is_root() -> bool {
    Program::new("id").args(["-u"]).capture().is_ok_and(|uid| uid.trim() == "0")
}
