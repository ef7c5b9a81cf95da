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
    read(&text, &path.display().to_string())
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
