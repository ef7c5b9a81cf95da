//! Names in the schema's own text: which columns a CHECK is about. SQLite does not tell.

use std::ops::Range;

use swain_core::Name;

/// A name or a bracket in SQL text, and where it is. Texts, numbers and comments are left out.
struct Token<'a> {
    text: std::borrow::Cow<'a, str>,
    place: Range<usize>,
}

/// The expression of the CHECK constraint of this name in a CREATE TABLE text.
pub(super) fn check_of<'a>(sql: &'a str, name: &str) -> Option<&'a str> {
    let tokens = tokens(sql);
    let is = |index: usize, word: &str| tokens.get(index).is_some_and(|token| token.text.eq_ignore_ascii_case(word));
    let start =
        (0..tokens.len()).find(|index| is(*index, "CONSTRAINT") && is(index + 1, name) && is(index + 2, "CHECK"))?;
    let mut depth = 0;
    for token in &tokens[start + 3..] {
        match &*token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return sql.get(tokens[start + 3].place.end..token.place.start);
        }
    }
    None
}

/// Those of the names that an SQL text has, in the order in which they are given.
pub(super) fn names_in<'a>(sql: &str, names: impl Iterator<Item = &'a Name>) -> Vec<Name> {
    let tokens = tokens(sql);
    let is_named = |name: &&Name| tokens.iter().any(|token| token.text.eq_ignore_ascii_case(name));
    names.filter(is_named).cloned().collect()
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql.char_indices().peekable();
    while let Some((start, letter)) = rest.next() {
        let end_of_quote = match letter {
            '"' | '`' => Some(letter),
            '[' => Some(']'),
            '\'' => Some('\''),
            _ => None,
        };
        if let Some(quote) = end_of_quote {
            let end = loop {
                match rest.next() {
                    None => break sql.len(),
                    Some((_, letter)) if letter == quote && rest.peek().is_some_and(|(_, next)| *next == quote) => {
                        rest.next();
                    }
                    Some((place, letter)) if letter == quote => break place + 1,
                    Some(_) => {}
                }
            };
            if letter != '\'' {
                let inner = sql.get(start + 1..end - 1).unwrap_or_default();
                let text = inner.replace(&format!("{quote}{quote}"), &quote.to_string()).into();
                tokens.push(Token { text, place: start..end });
            }
        } else if letter.is_alphabetic() || letter == '_' {
            let mut end = start + letter.len_utf8();
            while let Some((place, letter)) =
                rest.next_if(|(_, letter)| letter.is_alphanumeric() || "_$".contains(*letter))
            {
                end = place + letter.len_utf8();
            }
            tokens.push(Token { text: sql[start..end].into(), place: start..end });
        } else if letter == '-' && rest.peek().is_some_and(|(_, next)| *next == '-') {
            while rest.next_if(|(_, letter)| *letter != '\n').is_some() {}
        } else if matches!(letter, '(' | ')') {
            tokens.push(Token { text: sql[start..=start].into(), place: start..start + 1 });
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_check_is_found_by_its_name_whatever_stands_around_it() {
        let sql = "CREATE TABLE t (a TEXT -- CONSTRAINT c CHECK (no)\n CONSTRAINT \"c\" CHECK (a IN ('x)', \"b\") AND f(a)), b)";

        assert_eq!(check_of(sql, "c"), Some("a IN ('x)', \"b\") AND f(a)"));
        assert_eq!(check_of(sql, "d"), None);
        assert_eq!(check_of("CONSTRAINT c CHECK (a", "c"), None);
    }

    #[test]
    fn columns_are_named_by_names_and_not_by_texts() {
        let columns = ["a", "b b", "c", "state"].map(Name::from);

        let found = names_in("length(A) > 3 AND [b b] <> 'c' -- state", columns.iter());

        assert_eq!(found, columns[..2]);
    }
}
