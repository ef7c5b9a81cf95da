//! One server for a database file: what takes a file away under a running server does it without a word.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Held while a server, or who changes the whole file, is at work. The system gives it back however the process ends.
#[derive(Debug)]
pub struct ServerLock {
    path: PathBuf,
    _file: File,
}

/// Why it cannot be had.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Held {
        /// The database.
        database: PathBuf,
    },
    /// The file beside the database cannot be used.
    Unusable {
        /// That file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ServerLock {
    /// Takes the lock of a database; it is a file beside it.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let mut path = database.as_os_str().to_owned();
        path.push("-server");
        let path = PathBuf::from(path);
        let file = match File::create(&path) {
            Ok(file) => file,
            Err(source) => return Err(LockError::Unusable { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { database: database.to_owned() }),
            Err(TryLockError::Error(source)) => Err(LockError::Unusable { path, source }),
        }
    }

    /// Nothing of ours is left; a file that cannot be removed harms nobody.
    pub(crate) fn remove(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { database } => write!(
                f,
                "a server runs on {} already; stop it, or name another folder with --data",
                database.display()
            ),
            Self::Unusable { path, source } => write!(f, "{} cannot be locked: {source}", path.display()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Held { .. } => None,
            Self::Unusable { source, .. } => Some(source),
        }
    }
}
