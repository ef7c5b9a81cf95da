//! Words that may not stand in our sources, and each crate's missing first line.

use super::{
    Complaint,
    brackets::words,
    repository::Repository,
    source::{Language, Source},
};

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    repository
        .sources
        .iter()
        .flat_map(|source| {
            let mut complaints = in_code(source);
            complaints.extend(in_comments(source));
            complaints.extend(sleeping(source));
            complaints.extend(crate_doc(repository, source));
            complaints
        })
        .collect()
}

struct Banned {
    language: Language,
    text: &'static str,
    advice: &'static str,
}

const BANNED: &[Banned] = &[
    Banned {
        language: Language::Rust,
        text: "#[ignore",
        advice: "a test that does not run shows nothing: run it, make it a long run, or delete it",
    },
    Banned {
        language: Language::Rust,
        text: "should_panic",
        advice: "any panic would pass: assert on the error instead",
    },
    Banned {
        language: Language::Rust,
        text: "todo!",
        advice: "finish it, or return an error that says what is missing",
    },
    Banned {
        language: Language::Script,
        text: ".skip(",
        advice: "a test that does not run shows nothing: run it or delete it",
    },
    Banned { language: Language::Script, text: ".only(", advice: "it hides every other test: remove it" },
];

fn in_code(source: &Source) -> Vec<Complaint> {
    BANNED
        .iter()
        .filter(|banned| banned.language == source.language)
        // Outside tests `.skip(` is an iterator's.
        .filter(|_| source.language == Language::Rust || source.is_test_file())
        .flat_map(|banned| {
            let found = source.code.match_indices(banned.text);
            found.map(|(at, text)| {
                let text = format!("`{text}`: {}", banned.advice);
                Complaint::new(&source.path, source.line_at(at), text)
            })
        })
        .collect()
}

const PROMISES: [&str; 3] = ["TODO", "FIXME", "XXX"];

fn in_comments(source: &Source) -> Vec<Complaint> {
    PROMISES
        .iter()
        .flat_map(|promise| {
            words(&source.comments, promise).map(move |at| {
                let text = format!("`{promise}`: do it now or open an issue, and say what holds");
                Complaint::new(&source.path, source.line_at(at), text)
            })
        })
        .collect()
}

/// Tests wait for a state. A poll inside such a wait, or a fault, may say `// sleep: why`.
fn sleeping(source: &Source) -> Vec<Complaint> {
    sleeps(source)
        .map(|at| source.line_at(at))
        .filter(|line| is_test_code(source, *line) && !has_reason(source, *line))
        .map(|line| {
            let text = "a test sleeps: wait for a state, or say `// sleep: why` for a fault or \
                        the poll of a wait";
            Complaint::new(&source.path, line, text)
        })
        .collect()
}

fn sleeps(source: &Source) -> impl Iterator<Item = usize> {
    let code = &source.code;
    let calls = ["sleep", "sleep_until", "sleep_ms", "waitForTimeout"]
        .into_iter()
        .flat_map(move |word| words(code, word).filter(move |at| is_called(code, at + word.len())));
    // `await new Promise((done) => setTimeout(done, 50))`
    let timeouts = words(code, "setTimeout").filter(|at| {
        let line = code[..*at].rsplit('\n').next().unwrap_or("");
        source.language == Language::Script && line.contains("Promise")
    });
    calls.chain(timeouts)
}

fn is_called(code: &str, at: usize) -> bool {
    let declares = code[..at].trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
    code[at..].starts_with('(') && !declares.ends_with("fn ") && !declares.ends_with("function ")
}

/// The helpers of tests are tests.
fn is_test_code(source: &Source, line: usize) -> bool {
    source.is_test_at(line) || source.path.starts_with("crates/swain-testkit/")
}

fn has_reason(source: &Source, line: usize) -> bool {
    let mut lines = source.comments.lines().skip(line.saturating_sub(2));
    let first = if line > 1 { lines.next() } else { None };
    let mut near = first.into_iter().chain(lines.next());
    near.any(|comment| {
        let reason = comment.split_once("// sleep:");
        reason.is_some_and(|(_, why)| !why.trim().is_empty())
    })
}

/// What a crate is for is the first thing that it says.
fn crate_doc(repository: &Repository, source: &Source) -> Option<Complaint> {
    let is_root = source
        .path
        .strip_suffix("src/lib.rs")
        .or_else(|| source.path.strip_suffix("src/main.rs"))
        .is_some_and(|folder| repository.file(&format!("{folder}Cargo.toml")).is_some());
    let begins = source.comments.starts_with("//! ");
    (is_root && !begins).then(|| {
        let text = "the crate does not say what it is: begin with `//! `";
        Complaint::new(&source.path, 1, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        inspect(&Repository::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_banned_word_is_found_in_code() {
        for text in ["#[ignore]", "#[ignore = \"slow\"]", "#[should_panic]", "todo!()"] {
            assert_eq!(complaints("a.rs", text).len(), 1, "{text}");
        }
        for text in ["test.skip('a')", "describe.only('a')"] {
            assert_eq!(complaints("a.test.ts", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn strings_and_iterators_are_free() {
        assert!(complaints("a.rs", "let a = \"todo! #[ignore\"; b.skip(1); // todo!").is_empty());
        assert!(complaints("a.ts", "a.skip(1)").is_empty());
    }

    #[test]
    fn promises_are_found_in_comments_alone() {
        assert_eq!(complaints("a.rs", "let a = 1; // TODO: b").len(), 1);
        assert_eq!(complaints("a.ts", "/* FIXME */").len(), 1);
        assert!(complaints("a.rs", "let a = \"TODO\"; // TODOS").is_empty());
    }

    #[test]
    fn tests_may_not_sleep_and_sources_may() {
        let call = "a();\ntokio::time::sleep(b).await;";

        assert!(complaints("src/a.rs", call).is_empty());
        assert!(complaints("tests/a.rs", call)[0].starts_with("tests/a.rs:2: a test sleeps"));
        assert_eq!(complaints("crates/swain-testkit/src/a.rs", call).len(), 1);
        let inline = format!("#[cfg(test)]\nmod tests {{\n{call}\n}}");
        assert_eq!(complaints("src/a.rs", &inline).len(), 1);
        let promise = "await new Promise((done) => setTimeout(done, 5));";
        assert_eq!(complaints("e2e/a.mjs", promise).len(), 1);
        assert_eq!(complaints("e2e/a.mjs", "page.waitForTimeout(5)").len(), 1);
    }

    #[test]
    fn sleep_with_a_reason_is_free() {
        let beside = "thread::sleep(a); // sleep: the poll of wait_for";
        let above = "b();\n// sleep: the fault under test\nthread::sleep(a);";
        let empty = "thread::sleep(a); // sleep:";

        assert!(complaints("tests/a.rs", beside).is_empty());
        assert!(complaints("tests/a.rs", above).is_empty());
        assert_eq!(complaints("tests/a.rs", empty).len(), 1);
    }

    #[test]
    fn crate_says_what_it_is() {
        let with = |text: &str| {
            let files = [("crates/a/Cargo.toml", ""), ("crates/a/src/lib.rs", text)];
            inspect(&Repository::of(&files)).len()
        };

        assert_eq!(with("//! What it is.\n"), 0);
        assert_eq!(with("#![no_std]\n//! What it is.\n"), 1);
        assert_eq!(with("fn main() {}\n"), 1);
    }
}
