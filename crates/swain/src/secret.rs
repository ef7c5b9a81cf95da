//! The secret that signs tokens.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use swain_server::{Secret, random_bytes};

/// A secret from text.
pub(crate) fn read(text: &str, from: &str) -> anyhow::Result<Secret> {
    match Secret::new(text.trim().as_bytes()) {
        Some(secret) => Ok(secret),
        None => bail!("{from} has to have {} characters or more", Secret::BYTES_MIN),
    }
}

/// The secret in a file; drawn and written there when the file is missing.
pub(crate) fn read_or_make(path: &Path) -> anyhow::Result<Secret> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => make(path)?,
        text => text.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    check_permissions(path)?;
    read(&text, &path.display().to_string())
}

/// The text of a file that a variable names, without the line end that editors add.
pub(crate) fn read_file(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    check_permissions(path)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Who can write the secret can be anybody, so that is refused. Who can read it can, too, but containers mount their
/// secrets readable for all inside, so that is only said.
#[cfg(unix)]
fn check_permissions(path: &Path) -> anyhow::Result<()> {
    let about = path.metadata().with_context(|| format!("{} cannot be looked at", path.display()))?;
    let mode = std::os::unix::fs::MetadataExt::mode(&about);
    let (shown, file) = (mode & 0o777, path.display());
    if mode & 0o022 != 0 {
        bail!("others may write {file} (mode {shown:o}); make it yours alone: chmod 600 {file}");
    }
    if mode & 0o044 != 0 {
        tracing::warn!("others may read {file} (mode {shown:o}); if they should not: chmod 600 {file}");
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_permissions(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

fn make(path: &Path) -> anyhow::Result<String> {
    let text = hex(&random_bytes::<32>());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        // Who signs in now shall still be signed in after a power cut.
        file.sync_all()
    });
    written.with_context(|| format!("the secret {} cannot be written", path.display()))?;
    Ok(text)
}

/// A password for somebody who gave none.
pub(crate) fn draw_word() -> String {
    hex(&random_bytes::<9>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
