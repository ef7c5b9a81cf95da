//! What is on disk, and what has changed since the last look. Looking is light and works on every file system, also on
//! those of containers that tell nobody of changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files that are looked at; those beyond are not.
const FILES_MAX: usize = 10_000;

/// The files below some paths, each with when it was written and its length.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Look(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Look {
    /// Looks at files and folders, hidden ones left out.
    pub(crate) fn at(paths: &[&Path]) -> Self {
        let mut look = Self::default();
        for path in paths {
            look.add(path);
        }
        look
    }

    fn add(&mut self, path: &Path) {
        let Ok(about) = path.metadata() else { return };
        if !about.is_dir() {
            if self.0.len() < FILES_MAX {
                self.0.insert(path.to_owned(), (about.modified().ok(), about.len()));
            }
            return;
        }
        let Ok(entries) = path.read_dir() else { return };
        for entry in entries.flatten() {
            // A link to a folder could lead in circles.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink()) && entry.path().is_dir();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !is_hidden && !is_link {
                self.add(&entry.path());
            }
        }
    }

    /// A file that is new, gone or written since.
    pub(crate) fn changed_since<'a>(&'a self, before: &'a Self) -> Option<&'a Path> {
        let written = self.0.iter().find(|(path, about)| before.0.get(*path) != Some(about));
        let gone = before.0.iter().find(|(path, _)| !self.0.contains_key(*path));
        written.or(gone).map(|(path, _)| path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_written_and_removed_files_are_seen_and_hidden_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("deep")).unwrap();
        std::fs::write(path.join("deep/a.js"), "1").unwrap();
        let first = Look::at(&[path]);
        assert_eq!(Look::at(&[path]).changed_since(&first), None);

        std::fs::write(path.join(".hidden"), "1").unwrap();
        assert_eq!(Look::at(&[path]).changed_since(&first), None);
        std::fs::write(path.join("deep/a.js"), "22").unwrap();
        let second = Look::at(&[path]);
        assert_eq!(second.changed_since(&first), Some(path.join("deep/a.js").as_path()));
        std::fs::remove_file(path.join("deep/a.js")).unwrap();
        assert!(Look::at(&[path]).changed_since(&second).is_some());
    }
}
