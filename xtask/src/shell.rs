//! Programs that verbs start, and where the repository is.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    io::{BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, bail};

/// The repository's root. Cargo sets the variable when it runs us; the other is for a binary
/// that somebody started by hand.
pub(crate) fn root() -> PathBuf {
    let manifest_folder =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest_folder.parent().expect("xtask is a folder in the repository").to_owned()
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The cargo that runs us, so that a pinned toolchain stays pinned.
pub(crate) fn cargo() -> Program {
    Program::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).shown_as("cargo")
}

/// git, also where the checkout belongs to another user, as on many build machines.
pub(crate) fn git() -> Program {
    Program::new("git").args(["-c", "safe.directory=*"])
}

/// Can this program be started at all?
pub(crate) fn is_there(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A program with its arguments. It starts in the root and reads nothing from stdin.
pub(crate) struct Program {
    command: Command,
    shown: String,
}

/// What a program left behind.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) text: String,
}

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&name);
        command.current_dir(root()).stdin(Stdio::null());
        Self { command, shown: name.as_ref().to_string_lossy().into_owned() }
    }

    pub(crate) fn shown_as(mut self, name: &str) -> Self {
        name.clone_into(&mut self.shown);
        self
    }

    pub(crate) fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        for argument in arguments {
            let _ = write!(self.shown, " {}", argument.as_ref().to_string_lossy());
            self.command.arg(argument);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs with our own output; an error when it fails.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        println!("$ {}", self.shown);
        let child = self.command.spawn();
        let status = wait(child, &self.shown)?;
        succeed(status, &self.shown)
    }

    /// Runs, printing what it says while it says it, and keeps a copy.
    pub(crate) fn stream(mut self) -> anyhow::Result<Finished> {
        println!("$ {}", self.shown);
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = started(self.command.spawn(), &self.shown)?;
        let stdout = child.stdout.take().expect("stdout was asked for above");
        let stderr = child.stderr.take().expect("stderr was asked for above");
        let text = Mutex::new(String::new());

        std::thread::scope(|scope| {
            scope.spawn(|| copy_lines(stdout, &text, |line| print!("{line}")));
            scope.spawn(|| copy_lines(stderr, &text, |line| eprint!("{line}")));
        });

        let status = child.wait().with_context(|| self.shown.clone())?;
        Ok(Finished { success: status.success(), text: text.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Runs silently and gives its stdout; an error with its stderr when it fails.
    pub(crate) fn capture(mut self) -> anyhow::Result<String> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = started(self.command.spawn(), &self.shown)?;
        let output = child.wait_with_output().with_context(|| self.shown.clone())?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed: {}", self.shown, complaint.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn copy_lines(from: impl Read, into: &Mutex<String>, show: impl Fn(&str)) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    // A read error means that the child is gone; its exit status tells the rest.
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&line);
        show(&text);
        into.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        line.clear();
    }
}

fn wait(child: std::io::Result<Child>, shown: &str) -> anyhow::Result<ExitStatus> {
    started(child, shown)?.wait().with_context(|| shown.to_owned())
}

fn started(child: std::io::Result<Child>, shown: &str) -> anyhow::Result<Child> {
    child.map_err(|error| {
        let program = shown.split(' ').next().unwrap_or(shown);
        if error.kind() == ErrorKind::NotFound {
            anyhow::anyhow!("`{program}` is not installed or its folder is missing ({shown})")
        } else {
            anyhow::Error::new(error).context(shown.to_owned())
        }
    })
}

fn succeed(status: ExitStatus, shown: &str) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_keeps_both_outputs_and_the_status() {
        let finished =
            Program::new("sh").args(["-c", "echo a; echo b >&2; exit 3"]).stream().expect("sh is everywhere");

        assert!(!finished.success);
        assert!(finished.text.contains("a\n"));
        assert!(finished.text.contains("b\n"));
    }

    #[test]
    fn missing_program_is_named() {
        let error = Program::new("no-such-program").capture().expect_err("it does not exist");

        assert!(error.to_string().contains("`no-such-program`"));
    }
}
