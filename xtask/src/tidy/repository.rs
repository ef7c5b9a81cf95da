//! What tidy looks at: the files that are or could be committed, and what cargo says of them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::Value;

use super::source::{Language, Source};
use crate::shell;

/// Every check's only input.
pub(crate) struct Repository {
    /// All paths, also of files that are not text.
    pub(crate) paths: BTreeSet<String>,
    pub(crate) files: Vec<File>,
    /// Code that we write by hand, read apart into code, text and comments.
    pub(crate) sources: Vec<Source>,
    /// `cargo metadata --no-deps`.
    pub(crate) metadata: Value,
}

/// A text file. Its path is relative to the root, with `/`.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Repository {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let paths = list(root)?;
        let mut files = Vec::new();
        for path in &paths {
            let bytes = fs::read(root.join(path)).with_context(|| path.clone())?;
            // What is not UTF-8 is not text: images, databases, fonts.
            if let Ok(text) = String::from_utf8(bytes) {
                let path = path.clone();
                files.push(File { path, text });
            }
        }
        let metadata = shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]).capture()?;
        let metadata = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
        Ok(Self::new(paths, files, metadata))
    }

    fn new(paths: BTreeSet<String>, files: Vec<File>, metadata: Value) -> Self {
        let sources = files
            .iter()
            .filter(|file| !is_generated(&file.path))
            .filter_map(|file| Some((Language::of(&file.path)?, file)))
            .map(|(language, file)| Source::new(&file.path, &file.text, language))
            .collect();
        Self { paths, files, sources, metadata }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(crate) fn documents(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".md") && !is_generated(&file.path))
    }

    /// Cargo gives absolute paths; complaints want them relative.
    pub(crate) fn relative<'a>(&self, path: &'a str) -> &'a str {
        let root = self.metadata["workspace_root"].as_str().unwrap_or("");
        path.strip_prefix(root).map_or(path, |rest| rest.trim_start_matches('/'))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::with_metadata(files, Value::Null)
    }

    #[cfg(test)]
    pub(crate) fn with_metadata(files: &[(&str, &str)], metadata: Value) -> Self {
        let paths = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let files =
            files.iter().map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() }).collect();
        Self::new(paths, files, metadata)
    }
}

/// Not written by hand, so not held to how we write.
pub(crate) fn is_generated(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| matches!(part, "dist" | "node_modules" | "vectors" | "target"))
        || name.ends_with(".lock")
        || name.ends_with(".min.js")
        || name == "package-lock.json"
}

fn list(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let listed =
        shell::git().folder(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).capture();
    let paths: BTreeSet<String> = match listed {
        Ok(listed) => listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect(),
        // An unpacked archive has no git; it has no stray files either.
        Err(_) => walk(root)?,
    };
    // Git lists what was deleted and not committed yet, too.
    Ok(paths
        .into_iter()
        .filter(|path| fs::symlink_metadata(root.join(path)).is_ok_and(|found| found.is_file()))
        .collect())
}

fn walk(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type()?.is_dir();
            if is_folder && !matches!(name.as_str(), ".git" | "target" | "node_modules") {
                folders.push(path);
            } else if !is_folder {
                found.insert(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(found)
}
