//! Pages: one heading of the first level each, a changelog that is kept, a README that starts.

use super::{
    Complaint,
    markdown::{Block, split},
    repository::Repository,
};

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let mut complaints = headings(repository);
    complaints.extend(changelog(repository));
    complaints.extend(readme(repository));
    complaints
}

fn headings(repository: &Repository) -> Vec<Complaint> {
    repository
        .documents()
        .filter_map(|file| {
            let (prose, _) = split(&file.text);
            let headings: Vec<usize> = prose
                .iter()
                .filter(|(_, line)| line.starts_with("# ") || line.contains("<h1"))
                .map(|(number, _)| *number)
                .collect();
            match headings[..] {
                [_] => None,
                [] => Some((1, "no heading of the first level: begin with `# Title`")),
                [_, second, ..] => Some((second, "a second heading of the first level: use `##`")),
            }
            .map(|(line, text)| Complaint::new(&file.path, line, text))
        })
        .collect()
}

const CHANGELOG: &str = "CHANGELOG.md";

fn changelog(repository: &Repository) -> Option<Complaint> {
    let Some(file) = repository.file(CHANGELOG) else {
        let text = "is missing: write it, with `## Unreleased`";
        return Some(Complaint::new(CHANGELOG, 1, text));
    };
    let version = current_version(repository);
    let is_kept = file
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .filter_map(|heading| heading.split_whitespace().next())
        .map(|word| word.trim_matches(['[', ']']).trim_start_matches('v'))
        .any(|word| word == "Unreleased" || Some(word) == version);
    (!is_kept).then(|| {
        let version = version.unwrap_or("the current version");
        let text = format!("names neither `## Unreleased` nor `## {version}`: add what is new");
        Complaint::new(CHANGELOG, 1, text)
    })
}

fn current_version(repository: &Repository) -> Option<&str> {
    let packages = repository.metadata["packages"].as_array()?;
    let product = packages.iter().find(|package| package["name"] == "swain")?;
    product["version"].as_str()
}

const README: &str = "README.md";

/// The first block starts Swain, the second tests it; `.ci/run` runs the second as it stands.
fn readme(repository: &Repository) -> Vec<Complaint> {
    let Some(file) = repository.file(README) else {
        let text = "is missing: write it, with one line to start and one to test";
        return vec![Complaint::new(README, 1, text)];
    };
    let (_, blocks) = split(&file.text);
    ["first", "second"].iter().enumerate().filter_map(|(index, which)| one_line(blocks.get(index), which)).collect()
}

fn one_line(block: Option<&Block<'_>>, which: &str) -> Option<Complaint> {
    let Some(block) = block else {
        let text = format!("has no {which} fenced block: it must hold one command");
        return Some(Complaint::new(README, 1, text));
    };
    (block.lines.len() != 1).then(|| {
        let text = format!("the {which} fenced block has {} lines: make it one command", block.lines.len());
        Complaint::new(README, block.line, text)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const README_GOOD: &str = "# Swain\n\n```sh\na\n```\n\n```sh\nb\n```\n";

    fn complaints(changelog: &str, readme: &str) -> Vec<String> {
        let metadata = json!({ "packages": [{ "name": "swain", "version": "1.2.3" }] });
        let files = [(CHANGELOG, changelog), (README, readme)];
        inspect(&Repository::with_metadata(&files, metadata)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn changelog_names_what_is_next_or_now() {
        for heading in ["Unreleased", "[Unreleased]", "1.2.3", "v1.2.3 (today)"] {
            let changelog = format!("# Changes\n\n## {heading}\n");
            assert!(complaints(&changelog, README_GOOD).is_empty(), "{heading}");
        }
        let found = complaints("# Changes\n\n## 1.2.2\n", README_GOOD);
        assert!(found[0].contains("neither `## Unreleased` nor `## 1.2.3`"));
    }

    #[test]
    fn readme_has_two_commands_of_one_line() {
        let changelog = "# Changes\n## Unreleased\n";

        let long = "# Swain\n```\na\nb\n```\n```\nc\n```\n";
        assert!(complaints(changelog, long)[0].starts_with("README.md:2: the first fenced block"));
        assert!(complaints(changelog, "# Swain\n```\na\n```\n")[0].contains("no second"));
    }

    #[test]
    fn page_has_one_first_heading() {
        let good = "# A\n\n```sh\n# no heading\n```\n\n## B\n";
        let files = |text| {
            let changelog = "# C\n## Unreleased\n";
            [(CHANGELOG, changelog), (README, README_GOOD), ("a.md", text)]
        };
        let count = |text| inspect(&Repository::of(&files(text))).len();

        assert_eq!(count(good), 0);
        assert_eq!(count("# A\n# B\n"), 1);
        assert_eq!(count("## A\n"), 1);
    }
}
