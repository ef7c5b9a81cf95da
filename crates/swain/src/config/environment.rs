//! `SWAIN_SECTION_KEY` in the environment overrides `[section] key` in the file, for every key that there is.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use toml::{Table, Value};

use super::Config;
use super::aliases::{ALIASES, Meaning};
use super::keys::{ANY, KeyPath, Kind, keys};
use crate::nearest::nearest;
use crate::secret;

/// Words in the longest name of a variable; all ways to read it are tried.
const WORDS_MAX: usize = 14;

/// Two ways to say one thing: the stronger layer's way counts.
const EXCLUSIVE: [[&str; 2]; 1] = [["auth.jwt_secret", "auth.jwt_secret_file"]];

/// Which variable gave a key its value.
pub(super) type Origins = BTreeMap<String, String>;

/// Sets in the tree what the variables say: those of other set-ups first, then Swain's own.
pub(super) fn apply(tree: &mut Table, variables: impl Iterator<Item = (String, String)>) -> anyhow::Result<Origins> {
    let variables: BTreeMap<String, String> = variables.collect();
    let mut layer = Layer { keys: keys(), tree, variables: &variables, origins: Origins::new() };
    for alias in ALIASES {
        if let (Meaning::Key(path), Some(text)) = (&alias.meaning, variables.get(alias.name)) {
            let parts = path.split('.').map(str::to_owned).collect();
            layer.set(alias.name, parts, text)?;
        }
    }
    for (name, text) in &variables {
        if let Some(words) = name.strip_prefix("SWAIN_") {
            layer.take(name, words, text)?;
        }
    }
    Ok(layer.origins)
}

struct Layer<'a> {
    keys: Vec<KeyPath>,
    tree: &'a mut Table,
    variables: &'a BTreeMap<String, String>,
    origins: Origins,
}

impl Layer<'_> {
    fn take(&mut self, name: &str, words: &str, text: &str) -> anyhow::Result<()> {
        let words: Vec<String> = words.split('_').map(str::to_lowercase).collect();
        if !self.keys.iter().any(|key| words.len() > 1 && key.parts[0] == words[0]) {
            return Ok(());
        }
        if let Some(parts) = self.find(&words) {
            return self.set(name, parts, text);
        }
        let (last, before) = words.split_last().expect("there are two words or more");
        if let (true, Some(parts)) = (last == "file", self.find(before)) {
            let direct = name.trim_end_matches("_FILE");
            if self.variables.get(direct).is_some_and(|text| !text.is_empty()) {
                bail!("give {direct} or {name}, not both");
            }
            let text = secret::read_file(text.as_ref()).with_context(|| format!("{name} names no good file"))?;
            return self.set(name, parts, &text);
        }
        let known: Vec<String> = self.keys.iter().map(variable).collect();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => bail!("the environment's {name} is no setting; the nearest is {near}"),
            None => bail!("the environment's {name} is no setting; docs/configuration.md lists them"),
        }
    }

    /// The key that these words mean. A `_` may part two names or belong to one: a name that the file has wins,
    /// then the reading with the fewest names.
    fn find(&self, words: &[String]) -> Option<Vec<String>> {
        if words.len() > WORDS_MAX {
            return None;
        }
        let ways = 1_usize << words.len().saturating_sub(1);
        let readings = (0..ways).map(|way| join(words, way)).filter(|parts| self.is_key(parts));
        let readings = readings.map(|parts| self.as_in_file(parts));
        let best = readings.min_by_key(|(parts, known)| (usize::MAX - known, parts.len()));
        best.map(|(parts, _)| parts)
    }

    fn is_key(&self, parts: &[String]) -> bool {
        self.keys.iter().any(|key| matches(key, parts))
    }

    /// The names as the file writes them, and how many of them it has.
    fn as_in_file(&self, parts: Vec<String>) -> (Vec<String>, usize) {
        let mut place = Some(&*self.tree);
        let mut known = 0;
        let named = parts.into_iter().map(|part| {
            let name = place.and_then(|table| table.keys().find(|name| plain(name) == part)).cloned();
            known += usize::from(name.is_some());
            let name = name.unwrap_or(part);
            place = place.and_then(|table| table.get(&name)).and_then(Value::as_table);
            name
        });
        (named.collect(), known)
    }

    fn set(&mut self, name: &str, parts: Vec<String>, text: &str) -> anyhow::Result<()> {
        let kind = self.keys.iter().find(|key| matches(key, &parts)).map(|key| key.kind);
        let kind = kind.with_context(|| format!("{name} means no key"))?;
        // What a compose file leaves empty is not set; an empty list is a list.
        if text.is_empty() && kind != Kind::List {
            return Ok(());
        }
        let value = read(kind, text);
        let alone = nested(&parts, value.clone());
        if let Err(error) = Config::deserialize(Value::Table(alone)) {
            bail!("the environment's {name} is not right: {}", error.message());
        }
        let path = parts.join(".");
        for pair in EXCLUSIVE {
            if let Some(place) = pair.iter().position(|one| *one == path) {
                self.weaken(pair[1 - place]);
            }
        }
        insert(self.tree, &parts, value);
        self.origins.insert(path, name.to_owned());
        Ok(())
    }

    /// Forgets what the file says in the other way. Both in the environment stay, and are refused later.
    fn weaken(&mut self, path: &str) {
        if !self.origins.contains_key(path)
            && let Some((section, key)) = path.split_once('.')
            && let Some(Value::Table(section)) = self.tree.get_mut(section)
        {
            section.remove(key);
        }
    }
}

/// The variable of a key, with the names that the user chooses as NAME.
pub(crate) fn variable(key: &KeyPath) -> String {
    let parts = key.parts.iter().map(|part| if part == ANY { "NAME" } else { part });
    format!("SWAIN_{}", parts.collect::<Vec<_>>().join("_").to_uppercase())
}

/// One way to part the words: bit n says whether there is a border behind word n.
fn join(words: &[String], way: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let begins = place == 0 || way & (1 << (place - 1)) != 0;
        match parts.last_mut() {
            Some(part) if !begins => {
                part.push('_');
                part.push_str(word);
            }
            _ => parts.push(word.clone()),
        }
    }
    parts
}

fn matches(key: &KeyPath, parts: &[String]) -> bool {
    let same = |(part, given): (&String, &String)| part == ANY || part == given;
    key.parts.len() == parts.len() && key.parts.iter().zip(parts).all(same)
}

/// A name as a variable can say it.
fn plain(name: &str) -> String {
    name.chars().map(|char| if char.is_alphanumeric() { char.to_ascii_lowercase() } else { '_' }).collect()
}

fn read(kind: Kind, text: &str) -> Value {
    let toml = || format!("value = {text}").parse::<Table>().ok()?.remove("value");
    match kind {
        Kind::Text => Value::String(text.to_owned()),
        Kind::Other => toml().unwrap_or_else(|| Value::String(text.to_owned())),
        Kind::List if text.trim_start().starts_with('[') => toml().unwrap_or_else(|| Value::String(text.to_owned())),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
    }
}

fn nested(parts: &[String], value: Value) -> Table {
    let mut tree = Table::new();
    insert(&mut tree, parts, value);
    tree
}

fn insert(tree: &mut Table, parts: &[String], value: Value) {
    let Some((last, before)) = parts.split_last() else { return };
    let mut place = tree;
    for part in before {
        let inner = place.entry(part.clone()).or_insert_with(|| Value::Table(Table::new()));
        if !inner.is_table() {
            *inner = Value::Table(Table::new());
        }
        let Value::Table(inner) = inner else { unreachable!("it was made a table above") };
        place = inner;
    }
    place.insert(last.clone(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: &str, variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        let mut tree: Table = file.parse().unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        apply(&mut tree, variables)?;
        Ok(Config::deserialize(Value::Table(tree)).unwrap())
    }

    #[test]
    fn every_kind_of_value_can_come_from_a_variable() {
        let config = with(
            "",
            &[
                ("SWAIN_SERVER_LISTEN", "0.0.0.0:9"),
                ("SWAIN_AUTH_SIGN_UP", "false"),
                ("SWAIN_SERVER_HEARTBEAT_MS", "2000"),
                ("SWAIN_SERVER_ALLOWED_ORIGINS", "https://a.example, https://b.example"),
                ("SWAIN_AUTH_JWT_SECRET", "12345678901234567890123456789012"),
            ],
        );
        let config = config.unwrap();
        assert_eq!(config.server.listen.port(), 9);
        assert!(!config.auth.sign_up);
        assert_eq!(config.server.heartbeat_ms.get(), 2000);
        assert_eq!(config.server.allowed_origins, ["https://a.example", "https://b.example"]);
        assert_eq!(config.auth.jwt_secret.unwrap(), "12345678901234567890123456789012");
    }

    #[test]
    fn tables_can_come_from_variables_whatever_their_names() {
        let config = with(
            "[tables.Project_Members]\n",
            &[
                ("SWAIN_TABLES_NOTES_READ", "true"),
                ("SWAIN_TABLES_NOTES_FILL_OWNER", "auth.id"),
                ("SWAIN_TABLES_NOTES_SCOPES", "owner"),
                ("SWAIN_TABLES_PROJECT_MEMBERS_READ", "user_id = auth.id"),
                ("SWAIN_TABLES_PROJECT_MEMBERS_COLUMNS_SORT_ORDER_STRATEGY", "arrival"),
            ],
        );
        let config = config.unwrap();
        assert_eq!(config.tables["notes"].read.as_deref(), Some("true"));
        assert_eq!(config.tables["notes"].fill["owner"], "auth.id");
        assert_eq!(config.tables["notes"].scopes, ["owner"]);
        let members = &config.tables["Project_Members"];
        assert_eq!(members.read.as_deref(), Some("user_id = auth.id"));
        assert_eq!(members.columns["sort_order"].strategy.as_deref(), Some("arrival"));
    }

    #[test]
    fn swain_wins_over_other_names_and_both_over_the_file() {
        let file = "[server]\nheartbeat_ms = 1\n";
        let beat = |variables: &[(&str, &str)]| with(file, variables).unwrap().server.heartbeat_ms.get();

        assert_eq!(beat(&[]), 1);
        assert_eq!(beat(&[("SSE_HEARTBEAT_INTERVAL", "2")]), 2);
        assert_eq!(beat(&[("SSE_HEARTBEAT_INTERVAL", "2"), ("SWAIN_SERVER_HEARTBEAT_MS", "3")]), 3);
        assert_eq!(beat(&[("SWAIN_SERVER_HEARTBEAT_MS", "")]), 1);
    }

    #[test]
    fn wrong_variables_are_named() {
        for (name, value, word) in [
            ("SWAIN_SERVER_LISTEN", "nowhere", "SWAIN_SERVER_LISTEN is not right: invalid socket address"),
            ("SWAIN_SERVER_LISTNE", "0.0.0.0:9", "the nearest is SWAIN_SERVER_LISTEN"),
            ("SWAIN_SERVER_HEARTBEAT_MS", "often", "SWAIN_SERVER_HEARTBEAT_MS is not right"),
            ("SWAIN_SERVER_MAX_CONNECTIONS", "0", "SWAIN_SERVER_MAX_CONNECTIONS is not right"),
            ("SWAIN_AUTH_SIGN_UP", "perhaps", "SWAIN_AUTH_SIGN_UP is not right"),
            ("MAX_SSE_CONNECTIONS", "many", "MAX_SSE_CONNECTIONS is not right"),
            ("SWAIN_DATABASE_PATH_FILE", "no-such-file", "SWAIN_DATABASE_PATH_FILE names no good file"),
        ] {
            let error = format!("{:#}", with("", &[(name, value)]).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
        assert!(with("", &[("SWAIN_SPEC_LOG", "x"), ("SWAIN_CONFIG", "y")]).is_ok());
    }

    #[test]
    fn the_stronger_way_to_give_the_secret_counts() {
        let file = "[auth]\njwt_secret_file = \"a\"\n";
        let auth = with(file, &[("SWAIN_AUTH_JWT_SECRET", "b")]).unwrap().auth;
        assert_eq!((auth.jwt_secret.as_deref(), auth.jwt_secret_file), (Some("b"), None));
    }

    #[test]
    fn every_key_has_a_variable_that_means_it() {
        let keys = keys();
        for key in &keys {
            let mut tree = Table::new();
            let variables = BTreeMap::new();
            let layer = Layer { keys: keys.clone(), tree: &mut tree, variables: &variables, origins: Origins::new() };
            let name = variable(key).to_lowercase();
            let words: Vec<String> = name.split('_').skip(1).map(str::to_owned).collect();
            let expected: Vec<String> =
                key.parts.iter().map(|part| if part == ANY { "name".into() } else { part.clone() }).collect();
            assert_eq!(layer.find(&words), Some(expected), "{key}");
        }
    }
}
