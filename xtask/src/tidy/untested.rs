//! No test that nobody runs: a target that is built once only, `test = false`, holds none.

use std::collections::BTreeSet;

use super::{Complaint, repository::Repository};

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let manifests = repository.files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    manifests.flat_map(|manifest| inspect_package(repository, &manifest.path, &manifest.text)).collect()
}

fn inspect_package(repository: &Repository, manifest: &str, text: &str) -> Vec<Complaint> {
    let untested = untested(text);
    let sources = manifest.replace("Cargo.toml", "src/");
    let library = repository.file(&format!("{sources}lib.rs")).map(|file| modules(&file.text));
    let inside = repository.files.iter().filter(|file| file.path.starts_with(&sources));
    let complaint = |file: &super::repository::File| {
        let name = file.path[sources.len()..].split(['/', '.']).next().unwrap_or_default();
        let is_of_library = library.as_ref().is_some_and(|library| name == "lib" || library.contains(name));
        let target = if is_of_library { "[lib]" } else { "[[bin]]" };
        let line = file.text.lines().position(|line| line.trim() == "#[cfg(test)]")?;
        let text = format!("{manifest} says {target} `test = false`, so this is never run");
        untested.contains(target).then(|| Complaint::new(&file.path, line + 1, text))
    };
    inside.filter_map(complaint).collect()
}

/// The targets that say `test = false`.
fn untested(manifest: &str) -> BTreeSet<&str> {
    let (mut section, mut found) = ("", BTreeSet::new());
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if line == "test = false" {
            found.insert(section);
        }
    }
    found
}

/// The modules that a library declares at its top.
fn modules(text: &str) -> BTreeSet<&str> {
    let declared = text.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    declared.filter_map(|rest| rest.strip_suffix(';')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTED: &str = "fn a() {}\n#[cfg(test)]\nmod tests {}\n";

    fn places(manifest: &str) -> Vec<String> {
        let files = [
            ("crates/a/Cargo.toml", manifest),
            ("crates/a/src/lib.rs", "pub mod figure;\n"),
            ("crates/a/src/figure.rs", TESTED),
            ("crates/a/src/main.rs", "mod serve;\n"),
            ("crates/a/src/serve.rs", TESTED),
            ("crates/b/src/lib.rs", TESTED),
        ];
        inspect(&Repository::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tests_in_a_target_that_runs_none_are_found() {
        assert!(places("[lib]\n[[bin]]\nname = \"a\"\n").is_empty());
        let (lib, bin) = (places("[lib]\ntest = false\n"), places("[lib]\n\n[[bin]]\ntest = false\n"));
        assert!(lib.len() == 1 && lib[0].starts_with("crates/a/src/figure.rs:2:"), "{lib:?}");
        assert!(bin.len() == 1 && bin[0].starts_with("crates/a/src/serve.rs:2:"), "{bin:?}");
        assert_eq!(places("[lib]\ntest = false\n[[bin]]\ntest = false\n").len(), 2);
    }
}
