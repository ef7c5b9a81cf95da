//! Words and matching brackets in code whose strings and comments are blank.

use super::kinds::is_word_byte;

/// Offsets of a word, not as a part of a longer one.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + word.len()).copied();
        !before.is_some_and(is_word_byte) && !after.is_some_and(is_word_byte)
    })
}

/// The word that begins here, `$` counted as a letter (macros and JavaScript have it).
pub(crate) fn word_at(code: &str, at: usize) -> &str {
    let is_letter = |byte: u8| is_word_byte(byte) || byte == b'$';
    let rest = &code.as_bytes()[at..];
    let length = rest.iter().take_while(|byte| is_letter(**byte)).count();
    &code[at..at + length]
}

/// The word that ends here.
pub(crate) fn word_before(code: &str, end: usize) -> &str {
    let is_letter = |byte: &u8| is_word_byte(*byte) || *byte == b'$';
    let before = &code.as_bytes()[..end];
    let length = before.iter().rev().take_while(|byte| is_letter(byte)).count();
    &code[end - length..end]
}

/// The first offset from here that is not white space.
pub(crate) fn after_space(code: &str, at: usize) -> usize {
    let space = code.as_bytes()[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    at + space
}

/// The end of what comes before the white space before here.
pub(crate) fn before_space(code: &str, end: usize) -> usize {
    code.as_bytes()[..end].trim_ascii_end().len()
}

/// The offset of the bracket that closes the one here.
pub(crate) fn closing(code: &str, opening: usize) -> Option<usize> {
    let bytes = code.as_bytes();
    let (open, close) = match bytes.get(opening)? {
        b'(' => (b'(', b')'),
        b'[' => (b'[', b']'),
        b'{' => (b'{', b'}'),
        _ => return None,
    };
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(opening) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_finds_its_own() {
        assert_eq!(closing("a{b{c}d}e", 1), Some(7));
        assert_eq!(closing("(()", 0), None);
        assert_eq!(closing("a", 0), None);
    }

    #[test]
    fn words_are_whole() {
        let found: Vec<usize> = words("fn_ fn afn fn", "fn").collect();

        assert_eq!(found, [4, 11]);
        assert_eq!(word_at("a.bc(", 2), "bc");
        assert_eq!(word_before("a.bc(", 4), "bc");
    }
}
