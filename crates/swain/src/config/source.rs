//! The text of a configuration, so that an error can point into it.

use std::ops::Range;
use std::path::Path;

use swain_engine::ConfigError;
use toml_edit::{Document, Item};

use super::environment::Origins;
use crate::nearest::nearest;

/// A configuration file as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    name: String,
    text: String,
    origins: Origins,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), origins: Origins::new() }
    }

    pub(super) fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// An error of the parser or of a type, with the nearest key when one is unknown.
    pub(super) fn wrong(&self, error: &toml::de::Error) -> anyhow::Error {
        let message = error.message();
        let help = match unknown(message).and_then(|(word, known)| nearest(word, known)) {
            Some(near) => format!("help: did you mean `{near}`?"),
            None => format!("help: mend {}, then `swain check`", self.name),
        };
        match error.span() {
            Some(span) => self.pointing(&span, message, &help),
            None => anyhow::anyhow!("{} is not right: {message}\n{help}", self.name),
        }
    }

    /// What is wrong with a table's settings.
    pub(crate) fn table_error(&self, error: &ConfigError) -> anyhow::Error {
        let (key, word) = match error {
            ConfigError::Rule { rule, error, .. } => (rule.as_str(), Word::At(error.column)),
            ConfigError::UnknownColumn { key, column, .. } => (*key, Word::Is(column)),
            ConfigError::UnknownValue { key, value, .. } => (*key, Word::Is(value)),
            ConfigError::FilledKey { column, .. } => ("fill", Word::Is(column)),
            ConfigError::NotHidden { column, .. } => ("hidden", Word::Is(column)),
            ConfigError::NoLength { column, .. } | ConfigError::UnfitStrategy { column, .. } => {
                ("columns", Word::Is(column))
            }
            _ => ("", Word::Whole),
        };
        let (table, message) = (error.table(), message_of(error));
        let help = format!("help: mend {}, then `swain check`", self.name);
        self.at_table(table, key, word, &message, &help)
    }

    /// Something about a whole table.
    pub(crate) fn about_table(&self, table: &str, message: &str, help: &str) -> anyhow::Error {
        let message = format!("[tables.{table}]: {message}");
        self.at_table(table, "", Word::Whole, &message, help)
    }

    fn at_table(&self, table: &str, key: &str, word: Word<'_>, message: &str, help: &str) -> anyhow::Error {
        let path = ["tables", table, key].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        let below = format!("{path}.");
        let variable = self.origins.iter().find(|(origin, _)| **origin == path || origin.starts_with(&below));
        if let (Some((_, variable)), false) = (variable, key.is_empty()) {
            return anyhow::anyhow!("the environment's {variable} is not right\n{message}\n{help}");
        }
        match self.span(table, key, word) {
            Some(span) => self.pointing(&span, message, help),
            None => anyhow::anyhow!("{} is not right\n{message}\n{help}", self.name),
        }
    }

    fn span(&self, table: &str, key: &str, word: Word<'_>) -> Option<Range<usize>> {
        let document = Document::parse(self.text.as_str()).ok()?;
        let tables = document.get("tables")?.as_table_like()?;
        let (name, item) = tables.get_key_value(table)?;
        if key.is_empty() {
            return name.span().or_else(|| item.span());
        }
        let span = deep(item, key)?;
        let within = &self.text[span.clone()];
        match word {
            Word::Whole => Some(span),
            Word::Is(word) => match within.find(word) {
                Some(place) => Some(span.start + place..span.start + place + word.len()),
                None => Some(span),
            },
            Word::At(column) => {
                // Behind the quote; an escape or a rule of several lines moves the place, so those are shown whole.
                let is_plain = within.starts_with(['"', '\'']) && !within.contains(['\\', '\n']);
                let start = within.char_indices().nth(usize::try_from(column).ok()?).map(|(place, _)| place);
                match (is_plain, start) {
                    (true, Some(start)) => {
                        let rest = &within[start..];
                        let part = |char: char| !(char.is_alphanumeric() || char == '_' || char == '.');
                        let length = rest.find(part).unwrap_or(rest.len()).max(1);
                        Some(span.start + start..span.start + start + length)
                    }
                    _ => Some(span),
                }
            }
        }
    }

    /// The line of a place with carets below, then the sentence, then what helps.
    fn pointing(&self, span: &Range<usize>, message: &str, help: &str) -> anyhow::Error {
        let start = span.start.min(self.text.len());
        let before = &self.text[..start];
        let number = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |place| place + 1);
        let line = self.text[begin..].lines().next().unwrap_or_default();
        let column = self.text[begin..start].chars().count();
        let end = span.end.clamp(start, begin + line.len().max(start - begin));
        let width = self.text[start..end].chars().count().max(1);
        let margin = " ".repeat(number.to_string().len());
        let (gap, carets) = (" ".repeat(column), "^".repeat(width));
        let name = &self.name;
        anyhow::anyhow!(
            "{name} is not right, line {number}\n{margin} |\n{number} | {line}\n{margin} | {gap}{carets}\n{message}\n{help}"
        )
    }
}

/// Which word of a value is wrong.
#[derive(Clone, Copy)]
enum Word<'a> {
    Whole,
    Is(&'a str),
    /// From 1, in characters.
    At(u64),
}

/// `columns.title.strategy` is somewhere below `columns`; the value says where.
fn deep(item: &Item, key: &str) -> Option<Range<usize>> {
    let table = item.as_table_like()?;
    if let Some((outer, inner)) = key.split_once('.') {
        return table.get(outer).and_then(|item| deep(item, inner));
    }
    match table.get_key_value(key) {
        Some((name, value)) => value.span().or_else(|| name.span()),
        None => table.iter().filter(|(_, inner)| inner.is_table_like()).find_map(|(_, inner)| deep(inner, key)),
    }
}

fn message_of(error: &ConfigError) -> String {
    match error {
        // The line itself is shown above.
        ConfigError::Rule { table, rule, error, .. } => format!("[tables.{table}] {rule}: {}", error.message),
        other => other.to_string(),
    }
}

/// The unknown word of serde's message, and the words that there are.
fn unknown(message: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (word, rest) = rest.split_once('`')?;
    let (_, known) = rest.split_once("expected")?;
    Some((word, known.split('`').skip(1).step_by(2)))
}

/// The name by which a file is spoken of.
pub(super) fn name_of(path: &Path) -> String {
    path.display().to_string()
}
