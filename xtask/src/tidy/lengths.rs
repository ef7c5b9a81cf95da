//! Functions of at most 70 lines, files of at most 600 (tests: 1000), and the exceptions to it.

use std::collections::BTreeSet;

use super::{
    Complaint,
    exceptions::{self, Exception},
    repository::Repository,
    rust_functions::{Function, rust_functions},
    script_functions::{is_suite, script_functions},
    source::{Language, Source},
};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
const TEST_FILE_LINES_MAX: usize = 1000;

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let (exceptions, mut complaints) = exceptions::read(repository);
    let mut used = BTreeSet::new();
    for source in &repository.sources {
        for length in too_long(source) {
            match exceptions.iter().find(|found| found.name == length.name) {
                Some(exception) => {
                    used.insert(exception.line);
                    complaints.extend(compare(exception, &length));
                }
                None => complaints.push(length.complaint(&source.path)),
            }
        }
    }
    let unused = exceptions.iter().filter(|found| !used.contains(&found.line));
    complaints.extend(unused.map(Exception::is_over));
    complaints
}

/// A function or file that is longer than it may be.
struct Length {
    /// As the list of exceptions writes it: `path` or `path::function`.
    name: String,
    what: String,
    line: usize,
    lines: usize,
    limit: usize,
}

impl Length {
    fn complaint(&self, path: &str) -> Complaint {
        Complaint::new(
            path,
            self.line,
            format!("{} has {} lines, more than {}: split it by what it does", self.what, self.lines, self.limit),
        )
    }
}

fn too_long(source: &Source) -> Vec<Length> {
    let functions = match source.language {
        Language::Rust => rust_functions(&source.code),
        Language::Script => script_functions(&source.code),
    };
    let mut found: Vec<Length> = functions
        .iter()
        .filter(|function| !is_suite(&source.code, function))
        .map(|function| function_length(source, function))
        .collect();
    found.push(file_length(source));
    found.retain(|length| length.lines > length.limit);
    found
}

fn function_length(source: &Source, function: &Function) -> Length {
    let first = source.line_at(function.start);
    let last = source.line_at(function.end);
    Length {
        name: format!("{}::{}", source.path, function.name),
        what: format!("function {}", function.name),
        line: first,
        lines: last - first + 1,
        limit: FUNCTION_LINES_MAX,
    }
}

/// The tests at the end of a Rust file are not what one reads it for.
fn file_length(source: &Source) -> Length {
    let (limit, lines) = if source.is_test_file() {
        (TEST_FILE_LINES_MAX, source.line_count())
    } else {
        let without_tests = source.test_module_line().map(|line| line - 1);
        (FILE_LINES_MAX, without_tests.unwrap_or(source.line_count()))
    };
    Length { name: source.path.clone(), what: "the file".to_owned(), line: 1, lines, limit }
}

/// An exception may shrink and not grow.
fn compare(exception: &Exception, length: &Length) -> Option<Complaint> {
    if length.lines > exception.lines_max {
        let text =
            format!("{} has grown from {} to {} lines: shorten it", length.name, exception.lines_max, length.lines);
        Some(exception.complaint(text))
    } else if length.lines < exception.lines_max {
        let text = format!("{} has shrunk to {} lines: write {} here", length.name, length.lines, length.lines);
        Some(exception.complaint(text))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "a();\n".repeat(lines - 2))
    }

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        inspect(&Repository::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn function_may_have_70_lines_and_not_71() {
        assert!(complaints(&[("a.rs", &function("a", 70))]).is_empty());

        let found = complaints(&[("a.rs", &format!("\n{}", function("a", 71)))]);

        assert_eq!(found, ["a.rs:2: function a has 71 lines, more than 70: split it by what it does"]);
    }

    #[test]
    fn script_is_measured_too_and_a_describe_is_not() {
        let body = "a();\n".repeat(70);
        let long = format!("export function a() {{\n{body}}}\n");
        let suite = format!("describe('a', () => {{\n{body}}});\n");

        assert_eq!(complaints(&[("a.ts", &long)]).len(), 1);
        assert!(complaints(&[("a.test.ts", &suite)]).is_empty());
    }

    #[test]
    fn file_may_have_600_lines_of_code_and_tests_below() {
        let code = "a!();\n".repeat(600);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "b!();\n".repeat(300));

        assert!(complaints(&[("a.rs", &format!("{code}{tests}"))]).is_empty());
        assert_eq!(complaints(&[("a.rs", &format!("a!();\n{code}"))]).len(), 1);
        assert_eq!(complaints(&[("tests/a.rs", &format!("{code}{code}"))]).len(), 1);
        assert!(complaints(&[("tests/a.rs", &format!("b!();\n{code}"))]).is_empty());
    }

    #[test]
    fn exception_must_be_exact_and_needed() {
        let long = function("a", 80);
        let listed = |text: &str| complaints(&[("a.rs", &long), (exceptions::PATH, text)]);

        assert!(listed("# Why.\na.rs::a 80\n").is_empty());
        assert!(listed("a.rs::a 79\n")[0].contains("has grown from 79 to 80"));
        assert!(listed("a.rs::a 81\n")[0].contains("write 80 here"));
        assert!(listed("a.rs::a 80\nb.rs 700\n")[0].contains("delete this line"));
        assert!(listed("a.rs::a\na.rs::a 80\n")[0].contains("a number of lines"));
    }

    #[test]
    fn generated_files_are_left_out() {
        let long = function("a", 80);

        assert!(complaints(&[("packages/swain/dist/a.js", &long)]).is_empty());
    }
}
