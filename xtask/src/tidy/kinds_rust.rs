//! Rust: nested comments, raw strings, and `'` that opens a character or a lifetime.

use super::kinds::{Kind, Lines, Marker, Nesting};

pub(crate) fn rust_kinds(text: &str) -> Vec<Kind> {
    let mut marker = Marker::new(text);
    while let Some(byte) = marker.peek() {
        match byte {
            b'/' if marker.starts_with(b"//") => marker.line_comment(),
            b'/' if marker.starts_with(b"/*") => marker.block_comment(Nesting::Nested),
            b'"' => marker.quoted(Lines::Many),
            b'\'' => character_or_lifetime(&mut marker),
            b'r' | b'b' | b'c' if !marker.is_after_word() => raw_string_or_word(&mut marker),
            _ => marker.mark(Kind::Code, 1),
        }
    }
    marker.kinds
}

fn character_or_lifetime(marker: &mut Marker<'_>) {
    let rest = marker.rest();
    let length = match rest.get(1) {
        Some(b'\\') => return marker.quoted(Lines::One),
        Some(first) => utf8_length(*first),
        None => 0,
    };
    if length > 0 && rest.get(1 + length) == Some(&b'\'') {
        marker.mark(Kind::Code, 1);
        marker.mark(Kind::Text, length);
    }
    marker.mark(Kind::Code, 1);
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`. What is not raw goes on as code, quotes and all.
fn raw_string_or_word(marker: &mut Marker<'_>) {
    let rest = marker.rest();
    let letters = match rest {
        [b'r', ..] => 1,
        [b'b' | b'c', b'r', ..] => 2,
        _ => return marker.mark(Kind::Code, 1),
    };
    let hashes = count_hashes(&rest[letters..]);
    let opening = letters + hashes + 1;
    if rest.get(opening - 1) != Some(&b'"') {
        return marker.mark(Kind::Code, 1);
    }
    let content = &rest[opening..];
    let length = (0..content.len())
        .find(|at| content[*at] == b'"' && count_hashes(&content[at + 1..]) >= hashes)
        .unwrap_or(content.len());
    marker.mark(Kind::Code, opening);
    marker.mark(Kind::Text, length);
    marker.mark(Kind::Code, 1 + hashes);
}

fn count_hashes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == b'#').count()
}

fn utf8_length(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::kinds::only;

    fn code(text: &str) -> String {
        only(text, &rust_kinds(text), &[Kind::Code])
    }

    #[test]
    fn only_code_is_left() {
        let cases = [
            ("a /* b /* c */ d */ e", "a                   e"),
            ("a // b\nc", "a     \nc"),
            (r#"a("{\"}", 'x', '{')"#, r#"a("    ", ' ', ' ')"#),
            (r##"r#"{ " }"# + b"{" + br"}""##, r##"r#"     "# + b" " + br" ""##),
            ("r#type { x }", "r#type { x }"),
            ("for<'a> Fn(&'a str) {", "for<'a> Fn(&'a str) {"),
            (r"'\'' '\\' '\u{7d}' {", r"'  ' '  ' '      ' {"),
            ("'é' 'a: loop {", "'  ' 'a: loop {"),
            ("var\"{\"", "var\" \""),
            ("\"unended {", "\"         "),
            ("\"a\n}\"}", "\" \n \"}"),
        ];

        for (text, expected) in cases {
            assert_eq!(code(text), expected, "{text}");
        }
    }
}
