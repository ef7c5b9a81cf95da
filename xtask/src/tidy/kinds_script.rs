//! TypeScript and JavaScript: templates with code inside, and `/` that divides or opens a
//! regular expression. JSX is read as code; its prose may hold apostrophes.

use super::kinds::{Kind, Lines, Marker, Nesting, is_word_byte};

pub(crate) fn script_kinds(text: &str) -> Vec<Kind> {
    let mut marker = Marker::new(text);
    let mut templates = Templates::default();
    while let Some(byte) = marker.peek() {
        match byte {
            b'/' if marker.starts_with(b"//") => marker.line_comment(),
            b'/' if marker.starts_with(b"/*") => marker.block_comment(Nesting::Flat),
            b'/' => division_or_expression(&mut marker),
            // `don't` in JSX is prose: no string begins inside a word, keywords aside.
            b'"' | b'\'' if marker.is_after_word() && !is_operand_due(&marker) => {
                marker.mark(Kind::Code, 1);
            }
            b'"' | b'\'' => marker.quoted(Lines::One),
            b'`' => {
                marker.mark(Kind::Code, 1);
                templates.text(&mut marker);
            }
            b'{' => {
                templates.depth += 1;
                marker.mark(Kind::Code, 1);
            }
            b'}' => templates.closing_brace(&mut marker),
            _ => marker.mark(Kind::Code, 1),
        }
    }
    marker.kinds
}

/// Templates nest: `${` inside one goes back to code until its own `}`.
#[derive(Default)]
struct Templates {
    depth: usize,
    /// The depth at which each open `${` ends.
    expressions: Vec<usize>,
}

impl Templates {
    /// From inside a template to its closing backtick or to the next expression.
    fn text(&mut self, marker: &mut Marker<'_>) {
        while let Some(byte) = marker.peek() {
            match byte {
                b'\\' => marker.mark(Kind::Text, 2),
                b'`' => return marker.mark(Kind::Code, 1),
                b'$' if marker.starts_with(b"${") => {
                    marker.mark(Kind::Text, 1);
                    marker.mark(Kind::Code, 1);
                    self.expressions.push(self.depth);
                    return;
                }
                _ => marker.mark(Kind::Text, 1),
            }
        }
    }

    fn closing_brace(&mut self, marker: &mut Marker<'_>) {
        marker.mark(Kind::Code, 1);
        if self.expressions.last() == Some(&self.depth) {
            self.expressions.pop();
            self.text(marker);
        } else {
            self.depth = self.depth.saturating_sub(1);
        }
    }
}

fn division_or_expression(marker: &mut Marker<'_>) {
    let is_tag = marker.starts_with(b"/>") || marker.before().last() == Some(&b'<');
    match expression_length(marker.rest()) {
        Some(length) if !is_tag && is_operand_due(marker) => marker.mark(Kind::Text, length),
        _ => marker.mark(Kind::Code, 1),
    }
}

/// The length of `/…/` in this line, when it ends in it.
fn expression_length(rest: &[u8]) -> Option<usize> {
    let mut is_in_class = false;
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\n' => return None,
            b'\\' => at += 1,
            b'[' => is_in_class = true,
            b']' => is_in_class = false,
            b'/' if !is_in_class => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Would a value come next, rather than an operator?
fn is_operand_due(marker: &Marker<'_>) -> bool {
    const KEYWORDS: &[&[u8]] = &[
        b"return", b"typeof", b"case", b"in", b"of", b"delete", b"void", b"throw", b"new", b"do", b"else", b"await",
        b"yield", b"from", b"import", b"export", b"default",
    ];
    // Comments and strings before us are rare enough to be read as they stand.
    let before = marker.before().trim_ascii_end();
    let Some(last) = before.last().copied() else {
        return true;
    };
    if is_word_byte(last) || last == b'$' {
        let start = before.iter().rposition(|byte| !is_word_byte(*byte));
        return KEYWORDS.contains(&&before[start.map_or(0, |at| at + 1)..]);
    }
    !matches!(last, b')' | b']' | b'}' | b'"' | b'\'' | b'`')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::kinds::only;

    fn code(text: &str) -> String {
        only(text, &script_kinds(text), &[Kind::Code])
    }

    #[test]
    fn only_code_is_left() {
        let cases = [
            ("a /* b /* c */ d // e", "a              d     "),
            (r#"f("{\"", '}')"#, r#"f("   ", ' ')"#),
            ("`a { ${b({c: `}`})} }` }", "`     {b({c: ` `})}  ` }"),
            ("x = /[/{]\\/}/.test(y) }", "x =          .test(y) }"),
            ("a / b; c / {", "a / b; c / {"),
            ("return /}/", "return    "),
            ("<p>Don't {count} </p>", "<p>Don't {count} </p>"),
            ("<A b={c} /> {/x/}", "<A b={c} /> {   }"),
            ("case 'a':", "case ' ':"),
            ("import'a}'", "import'  '"),
            ("'unended {\n}", "'         \n}"),
        ];

        for (text, expected) in cases {
            assert_eq!(code(text), expected, "{text}");
        }
    }
}
