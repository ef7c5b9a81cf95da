//! Who may import whom: the table in ARCHITECTURE.md against what cargo says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Complaint, repository::Repository};

const TABLE: &str = "ARCHITECTURE.md";
const HEADING: [&str; 2] = ["may import", "from"];

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let Some(file) = repository.file(TABLE) else {
        let text = "is missing: write it, with the table `| may import | from |`";
        return vec![Complaint::new(TABLE, 1, text)];
    };
    let rules = read_table(&file.text);
    if rules.is_empty() {
        let text = "has no table `| may import | from |`: add it";
        return vec![Complaint::new(TABLE, 1, text)];
    }
    let packages = repository.metadata["packages"].as_array();
    packages.into_iter().flatten().flat_map(|package| inspect_package(repository, package, &rules)).collect()
}

/// What one row lets a crate import.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    from: From,
    /// `imported only as dev-dependency`, and by whom nevertheless: `… or by bench`
    for_tests: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Anything,
    These(Vec<String>),
}

fn read_table(text: &str) -> BTreeMap<String, Rule> {
    text.lines()
        .map(cells)
        .skip_while(|cells| *cells != HEADING)
        // The heading and the line under it.
        .skip(2)
        .take_while(|cells| cells.len() == 2)
        .flat_map(|cells| {
            let rule = Rule::parse(cells[1]);
            names(cells[0]).map(move |name| (name, rule.clone()))
        })
        .collect()
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    line.strip_prefix('|')
        .and_then(|rest| rest.strip_suffix('|'))
        .map(|inner| inner.split('|').map(str::trim).collect())
        .unwrap_or_default()
}

fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split(',')
        // `sqlite (in memory)` is sqlite.
        .map(|name| name.split('(').next().unwrap_or(name))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

impl Rule {
    fn parse(cell: &str) -> Self {
        let (from, condition) = cell.split_once(';').unwrap_or((cell, ""));
        let from = match from.trim() {
            "nothing of ours" => From::These(Vec::new()),
            "all" | "anything" => From::Anything,
            list => From::These(names(list).collect()),
        };
        let for_tests = condition.split_once("only as dev-dependency").map(|(_, others)| {
            names(others.trim().trim_start_matches("or by")).filter(|name| !name.is_empty()).collect()
        });
        Self { from, for_tests }
    }

    fn allows(&self, name: &str) -> bool {
        match &self.from {
            From::Anything => true,
            From::These(names) => names.iter().any(|allowed| allowed == name),
        }
    }
}

fn inspect_package(repository: &Repository, package: &Value, rules: &BTreeMap<String, Rule>) -> Vec<Complaint> {
    let manifest = repository.relative(package["manifest_path"].as_str().unwrap_or(""));
    let name = short_name(manifest, package["name"].as_str().unwrap_or(""));
    let Some(rule) = rules.get(name) else {
        let text = format!("`{name}` has no row in the import table of {TABLE}: add one");
        return vec![Complaint::new(manifest, 1, text)];
    };
    let text = repository.file(manifest).map_or("", |file| &file.text);
    own_imports(package)
        .filter_map(|import| Some((import, refusal(name, rule, import, rules)?)))
        .map(|(import, refusal)| Complaint::new(manifest, line_of(text, import), refusal))
        .collect()
}

/// Crates are named without the prefix; what lies beside `crates/` by its folder.
fn short_name<'a>(manifest: &'a str, package: &'a str) -> &'a str {
    match manifest.split('/').next() {
        Some("crates") | None => unprefixed(package),
        Some(folder) => folder,
    }
}

fn unprefixed(package: &str) -> &str {
    package.strip_prefix("swain-").unwrap_or(package)
}

/// Our own crates that this one cannot be built without; tests may import what they like.
fn own_imports(package: &Value) -> impl Iterator<Item = &str> {
    package["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| *name == "swain" || name.starts_with("swain-"))
}

fn refusal(name: &str, rule: &Rule, import: &str, rules: &BTreeMap<String, Rule>) -> Option<String> {
    let imported = unprefixed(import);
    let others = rules.get(imported).and_then(|rule| rule.for_tests.as_ref());
    if others.is_some_and(|others| !others.iter().any(|other| other == name)) {
        return Some(format!("{import} is for tests: move it to [dev-dependencies]"));
    }
    if rule.allows(imported) {
        return None;
    }
    Some(format!(
        "`{name}` may not import `{imported}`: remove {import}, or change the table in {TABLE} \
         in a commit of its own"
    ))
}

fn line_of(manifest: &str, import: &str) -> usize {
    let position = manifest
        .lines()
        .position(|line| line.strip_prefix(import).is_some_and(|rest| rest.starts_with(['.', ' ', '='])));
    position.map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARCHITECTURE: &str = "\
# Architecture

| may import | from |
| --- | --- |
| core | nothing of ours |
| store | core |
| sqlite, postgres | core, store |
| sim | core, store, sqlite (in memory) |
| swain | all |
| bench, examples, xtask | anything |
| testkit | anything; imported only as dev-dependency or by bench |

| other | table |
";

    fn complaints(package: &str, folder: &str, dependencies: &[(&str, Option<&str>)]) -> Vec<String> {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        let manifest = format!("{folder}/Cargo.toml");
        let metadata = json!({
            "workspace_root": "/r",
            "packages": [{
                "name": package,
                "manifest_path": format!("/r/{manifest}"),
                "dependencies": dependencies,
            }],
        });
        let text = "[dependencies]\nserde = 1\nswain-store.workspace = true\n";
        let files = [(TABLE, ARCHITECTURE), (manifest.as_str(), text)];
        inspect(&Repository::with_metadata(&files, metadata)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn edges_of_the_table_are_allowed() {
        let both = &[("swain-core", None), ("swain-store", None), ("serde", None)];

        assert!(complaints("swain-sqlite", "crates/swain-sqlite", both).is_empty());
        assert!(complaints("swain-postgres", "crates/swain-postgres", both).is_empty());
        assert!(complaints("swain", "crates/swain", both).is_empty());
        assert!(complaints("xtask", "xtask", both).is_empty());
        let sqlite = &[("swain-sqlite", None)];
        assert!(complaints("swain-sim", "crates/swain-sim", sqlite).is_empty());
    }

    #[test]
    fn another_edge_is_named_with_its_line() {
        let found = complaints("swain-core", "crates/swain-core", &[("swain-store", None)]);

        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/swain-core/Cargo.toml:3: `core` may not import"));
    }

    #[test]
    fn build_dependency_is_an_edge_and_dev_dependency_is_none() {
        let folder = "crates/swain-core";

        assert_eq!(complaints("swain-core", folder, &[("swain", Some("build"))]).len(), 1);
        assert!(complaints("swain-core", folder, &[("swain", Some("dev"))]).is_empty());
    }

    #[test]
    fn testkit_is_for_tests_even_where_all_is_allowed() {
        let found = complaints("swain", "crates/swain", &[("swain-testkit", None)]);
        assert!(found[0].contains("[dev-dependencies]"));

        let dev = &[("swain-testkit", Some("dev"))];
        assert!(complaints("swain", "crates/swain", dev).is_empty());
        assert!(complaints("swain-bench", "bench", &[("swain-testkit", None)]).is_empty());
    }

    #[test]
    fn crate_without_a_row_is_a_complaint() {
        assert!(complaints("swain-new", "crates/swain-new", &[])[0].contains("has no row"));
    }

    #[test]
    fn missing_page_or_table_is_a_complaint() {
        assert_eq!(inspect(&Repository::of(&[])).len(), 1);
        assert_eq!(inspect(&Repository::of(&[(TABLE, "# A\n")])).len(), 1);
    }
}
