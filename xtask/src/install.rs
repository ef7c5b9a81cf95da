//! What the tests need besides the toolchains: npm packages here, a browser in `chromium`.

use std::{fs, path::Path, time::SystemTime};

use anyhow::bail;

use crate::shell::{self, Program};

/// The npm package that the library is, and its tests.
pub(crate) const LIBRARY: &str = "packages/swain";
/// The browser tests.
pub(crate) const BROWSER_TESTS: &str = "e2e";

const NODE_NEEDED: &str = "Node.js 20.19 or newer with npm is needed: install it from https://nodejs.org, \
     then run this again";

/// Says what to install when node or npm is missing.
pub(crate) fn need_node() -> anyhow::Result<()> {
    if shell::is_there("node", "--version") && shell::is_there("npm", "--version") {
        Ok(())
    } else {
        bail!(NODE_NEEDED)
    }
}

/// Installs exactly what the lockfile says, unless that has been done.
pub(crate) fn npm_packages(folder: &str) -> anyhow::Result<()> {
    need_node()?;
    let folder = shell::root().join(folder);
    let lockfile = folder.join("package-lock.json");
    if !lockfile.exists() {
        bail!("{} is missing: run `npm install` there and commit it", lockfile.display());
    }
    if is_installed(&folder, &lockfile) {
        return Ok(());
    }
    npm(&folder).args(["ci", "--no-audit", "--no-fund"]).run()
}

/// npm, to be run in a folder.
pub(crate) fn npm(folder: &Path) -> Program {
    Program::new("npm").folder(folder)
}

fn is_installed(folder: &Path, lockfile: &Path) -> bool {
    // npm writes this file last, so a broken install leaves none.
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    matches!((installed, modified(lockfile)), (Some(done), Some(asked)) if done >= asked)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
