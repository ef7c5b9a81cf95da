//! Every rule of the contract (`## P4 welcome`) is named by a test, and by one that runs.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Complaint,
    brackets::{after_space, closing},
    repository::Repository,
    source::{Language, Source},
};

const LOG: &str = "target/spec-ids.txt";

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let rules = rules(repository);
    let namings = namings(repository);
    let named: BTreeSet<&str> = namings.iter().map(|naming| naming.id.as_str()).collect();

    let mut complaints: Vec<Complaint> = rules
        .values()
        .filter(|rule| !named.contains(rule.id.as_str()))
        .map(|rule| rule.complaint("no test names it: add spec!(\"ID\") or spec(\"ID\") to one that shows it"))
        .collect();
    complaints.extend(doubled(repository));
    complaints.extend(namings.iter().filter(|naming| !rules.contains_key(&naming.id)).map(|naming| {
        let text = format!("{} is no rule of spec/*.md: name one that is", naming.id);
        Complaint::new(&naming.path, naming.line, text)
    }));
    complaints
}

/// `log` is what the tests wrote while they ran, an id in a line.
pub(crate) fn inspect_executed(repository: &Repository, log: &str) -> Vec<Complaint> {
    let rules = rules(repository);
    let executed: BTreeSet<&str> = log.lines().map(str::trim).collect();
    let missing = rules
        .values()
        .filter(|rule| !executed.contains(rule.id.as_str()))
        .map(|rule| rule.complaint("no executed test names it: run or write one"));
    let unknown =
        log.lines().enumerate().filter(|(_, id)| !id.trim().is_empty() && !rules.contains_key(id.trim())).map(
            |(index, id)| {
                let text = format!("{} is no rule of spec/*.md: find the test", id.trim());
                Complaint::new(LOG, index + 1, text)
            },
        );
    missing.chain(unknown).collect()
}

/// Rules with the tests that name them, and test files with the rules that they name.
pub(crate) fn table(repository: &Repository) -> String {
    let namings = namings(repository);
    let mut text = String::from("rule -> tests\n");
    for rule in rules(repository).values() {
        let places: Vec<String> = namings
            .iter()
            .filter(|naming| naming.id == rule.id)
            .map(|naming| format!("{}:{}", naming.path, naming.line))
            .collect();
        text.push_str(&format!("  {:<4} {:<48} {}\n", rule.id, rule.title, places.join(" ")));
    }
    let mut by_file: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for naming in &namings {
        by_file.entry(&naming.path).or_default().insert(&naming.id);
    }
    text.push_str("\ntests -> rules\n");
    for (path, ids) in by_file {
        text.push_str(&format!("  {path:<48} {}\n", Vec::from_iter(ids).join(" ")));
    }
    text
}

/// A heading of the contract that has an id.
struct Rule {
    id: String,
    title: String,
    path: String,
    line: usize,
}

impl Rule {
    fn complaint(&self, text: &str) -> Complaint {
        let text = format!("{}: {}", self.id, text.replace("ID", &self.id));
        Complaint::new(&self.path, self.line, text)
    }
}

fn rules(repository: &Repository) -> BTreeMap<String, Rule> {
    all_rules(repository).fold(BTreeMap::new(), |mut rules, rule| {
        rules.entry(rule.id.clone()).or_insert(rule);
        rules
    })
}

fn doubled(repository: &Repository) -> Vec<Complaint> {
    let mut seen = BTreeSet::new();
    all_rules(repository)
        .filter(|rule| !seen.insert(rule.id.clone()))
        .map(|rule| rule.complaint("another rule has this id: give it a new one"))
        .collect()
}

fn all_rules(repository: &Repository) -> impl Iterator<Item = Rule> {
    repository.files.iter().filter(|file| is_page_of_the_contract(&file.path)).flat_map(|file| {
        file.text.lines().enumerate().filter_map(|(index, line)| {
            let heading = line.strip_prefix("## ")?;
            let (id, title) = heading.split_once(' ').unwrap_or((heading, ""));
            is_id(id).then(|| Rule {
                id: id.to_owned(),
                title: title.trim().to_owned(),
                path: file.path.clone(),
                line: index + 1,
            })
        })
    })
}

fn is_page_of_the_contract(path: &str) -> bool {
    path.strip_prefix("spec/").and_then(|name| name.strip_suffix(".md")).is_some_and(|name| !name.contains('/'))
}

/// A capital letter and a number.
fn is_id(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_uppercase())
        && text.len() > 1
        && characters.all(|character| character.is_ascii_digit())
}

/// A place in a test that names a rule.
struct Naming {
    id: String,
    path: String,
    line: usize,
}

fn namings(repository: &Repository) -> Vec<Naming> {
    repository.sources.iter().flat_map(namings_in).collect()
}

fn namings_in(source: &Source) -> Vec<Naming> {
    let call = match source.language {
        Language::Rust => "spec!",
        // A function of this name elsewhere in TypeScript is not ours.
        Language::Script if source.is_test_file() => "spec",
        Language::Script => return Vec::new(),
    };
    // Found in the code, so that a fixture in a string names nothing; read with the text.
    source
        .words("spec")
        .filter(|at| source.code[*at..].starts_with(call))
        .filter_map(|at| {
            let opening = after_space(&source.code, at + call.len());
            let end = closing(&source.code, opening)?;
            Some((at, &source.code_and_text[opening..end]))
        })
        .flat_map(|(at, arguments)| {
            literals(arguments).map(move |id| Naming {
                id: id.to_owned(),
                path: source.path.clone(),
                line: source.line_at(at),
            })
        })
        .collect()
}

/// The strings between the quotes; what is computed says its id when it runs.
fn literals(arguments: &str) -> impl Iterator<Item = &str> {
    arguments
        .split(['"', '\'', '`'])
        .skip(1)
        .step_by(2)
        .filter(|literal| is_id(literal) || !literal.contains(['$', ' ', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: (&str, &str) = ("spec/merge.md", "# Merge\n\n## M1 One\n\n## M2 Two\n\n## Other\n");

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        inspect(&Repository::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_rule_wants_a_test_in_either_language() {
        let rust = ("a.rs", "fn a() {\n    spec!(\"M1\");\n}\n");
        let script = ("a.test.ts", "test('a', () => { spec('M2') })");

        assert!(complaints(&[SPEC, rust, script]).is_empty());
        let found = complaints(&[SPEC, rust]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("spec/merge.md:5: M2: no test names it"));
    }

    #[test]
    fn one_call_may_name_several() {
        assert!(complaints(&[SPEC, ("a.rs", "spec!(\"M1\", \"M2\");")]).is_empty());
    }

    #[test]
    fn id_that_does_not_exist_is_a_complaint() {
        let found = complaints(&[SPEC, ("a.rs", "spec!(\"M1\", \"M2\");\nspec!(\"M9\");")]);

        assert_eq!(found, ["a.rs:2: M9 is no rule of spec/*.md: name one that is"]);
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        let text = "// spec!(\"M1\")\nlet a = r#\"spec!(\"M9\")\"#;\nmacro_rules! spec { () => {} }";

        assert_eq!(complaints(&[SPEC, ("a.rs", text)]).len(), 2);
    }

    #[test]
    fn doubled_id_is_a_complaint() {
        let other = ("spec/model.md", "# Model\n\n## M1 Again\n");
        let test = ("a.rs", "spec!(\"M1\", \"M2\");");

        assert!(complaints(&[SPEC, other, test])[0].contains("another rule has this id"));
    }

    #[test]
    fn executed_ids_are_compared_both_ways() {
        let repository = Repository::of(&[SPEC]);

        assert!(inspect_executed(&repository, "M2\nM1\nM2\n").is_empty());
        let found: Vec<String> = inspect_executed(&repository, "M1\nM7\n").iter().map(ToString::to_string).collect();
        assert!(found[0].starts_with("spec/merge.md:5: M2: no executed test"));
        assert!(found[1].starts_with("target/spec-ids.txt:2: M7 is no rule"));
    }

    #[test]
    fn table_shows_both_ways() {
        let text = table(&Repository::of(&[SPEC, ("a.rs", "spec!(\"M1\");")]));

        assert!(text.contains("a.rs:1"));
        assert!(text.lines().last().is_some_and(|line| line.ends_with("M1")));
    }
}
