//! No test that nobody runs: a target that is built once only, `test = false`, holds none.

use super::{Complaint, repository::Repository};

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let manifests = repository.files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let untested = manifests.filter(|file| file.text.lines().any(|line| line.trim() == "test = false"));
    untested
        .flat_map(|manifest| {
            let folder = manifest.path.strip_suffix("Cargo.toml").unwrap_or_default();
            let sources = format!("{folder}src/");
            let inside = repository.files.iter().filter(move |file| file.path.starts_with(&sources));
            inside.filter_map(move |file| {
                let line = file.text.lines().position(|line| line.trim() == "#[cfg(test)]")?;
                let text = format!("{} says `test = false`, so this is never run", manifest.path);
                Some(Complaint::new(&file.path, line + 1, text))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_in_a_target_that_has_none_are_found() {
        let source = ("crates/a/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests {}\n");
        let manifest = |text| Repository::of(&[("crates/a/Cargo.toml", text), source, ("crates/b/src/lib.rs", source.1)]);

        let complaints = inspect(&manifest("[lib]\ntest = false\n"));

        assert_eq!(complaints.len(), 1);
        assert_eq!((complaints[0].path.as_str(), complaints[0].line), ("crates/a/src/lib.rs", 2));
        assert!(inspect(&manifest("[lib]\n")).is_empty());
    }
}
