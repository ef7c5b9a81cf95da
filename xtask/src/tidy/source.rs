//! One source file, with its code, its text and its comments told apart.

use super::{
    brackets,
    kinds::{Kind, only},
    kinds_rust::rust_kinds,
    kinds_script::script_kinds,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    /// TypeScript and JavaScript.
    Script,
}

impl Language {
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "rs" => Some(Self::Rust),
            "ts" | "tsx" | "mts" | "js" | "jsx" | "mjs" | "cjs" => Some(Self::Script),
            _ => None,
        }
    }
}

/// Three views of one text, all with the same offsets: what a view leaves out is blank.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) language: Language,
    /// Only code: strings keep their quotes, lose their content.
    pub(crate) code: String,
    /// Code and the content of strings.
    pub(crate) code_and_text: String,
    pub(crate) comments: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str, language: Language) -> Self {
        let kinds = match language {
            Language::Rust => rust_kinds(text),
            Language::Script => script_kinds(text),
        };
        Self {
            path: path.to_owned(),
            language,
            code: only(text, &kinds, &[Kind::Code]),
            code_and_text: only(text, &kinds, &[Kind::Code, Kind::Text]),
            comments: only(text, &kinds, &[Kind::Comment]),
            line_starts: line_starts(text),
        }
    }

    /// Lines count from 1.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    pub(crate) fn line_count(&self) -> usize {
        self.code.lines().count()
    }

    pub(crate) fn is_test_file(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        let folders = self.path.split('/').rev().skip(1);
        name == "tests.rs"
            || name.contains(".test.")
            || name.ends_with("_test.rs")
            || self.path.starts_with("e2e/")
            || folders.into_iter().any(|folder| matches!(folder, "test" | "tests"))
    }

    /// The first line of `#[cfg(test)] mod …`, where the tests of a Rust file begin.
    pub(crate) fn test_module_line(&self) -> Option<usize> {
        if self.language != Language::Rust {
            return None;
        }
        self.code
            .match_indices("#[cfg(test)]")
            .find(|(at, mark)| {
                let rest = self.code[at + mark.len()..].trim_start();
                let is_inline = rest.find('{') < rest.find(';') || !rest.contains(';');
                rest.starts_with("mod ") && rest.contains('{') && is_inline
            })
            .map(|(at, _)| self.line_at(at))
    }

    pub(crate) fn is_test_at(&self, line: usize) -> bool {
        self.is_test_file() || self.test_module_line().is_some_and(|first| line >= first)
    }

    /// Offsets of a word in the code, not as a part of a longer one.
    pub(crate) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        brackets::words(&self.code, word)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after_newlines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(path: &str, text: &str) -> Source {
        Source::new(path, text, Language::Rust)
    }

    #[test]
    fn views_keep_their_offsets() {
        let source = rust("a.rs", "let a = \"x{\"; // why }\nfn b() {}");

        assert_eq!(source.code, "let a = \"  \";         \nfn b() {}");
        assert_eq!(source.code_and_text, "let a = \"x{\";         \nfn b() {}");
        assert_eq!(source.comments.trim(), "// why }");
        assert_eq!(source.line_at(source.code.find("fn").expect("it is there")), 2);
    }

    #[test]
    fn test_files_are_known_by_their_names() {
        for path in ["crates/a/tests/it/main.rs", "crates/a/src/b/tests.rs", "e2e/a.mjs", "packages/a/test/b.ts"] {
            assert!(rust(path, "").is_test_file(), "{path}");
        }
        for path in ["crates/a/src/tests_of_time.rs", "crates/testkit/src/lib.rs"] {
            assert!(!rust(path, "").is_test_file(), "{path}");
        }
    }

    #[test]
    fn test_module_begins_where_it_stands_inline() {
        let inline = rust("a.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n");
        let elsewhere = rust("a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n");

        assert_eq!(inline.test_module_line(), Some(3));
        assert_eq!(elsewhere.test_module_line(), None);
    }
}
