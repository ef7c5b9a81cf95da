//! Where the functions of a TypeScript or JavaScript file begin and end.
//!
//! A function is a parameter list, perhaps a return type, perhaps `=>`, and a `{`. What looks
//! the same and is none is told by the word before: `if (…) {`.

use super::{
    brackets::{after_space, before_space, closing, word_at, word_before},
    kinds::is_word_byte,
    rust_functions::Function,
};

pub(crate) fn script_functions(code: &str) -> Vec<Function> {
    let mut functions: Vec<Function> =
        code.match_indices('(').filter_map(|(opening, _)| with_parameters(code, opening)).collect();
    let bare = code.match_indices("=>").filter_map(|(arrow, _)| with_bare_parameter(code, arrow));
    functions.extend(bare);
    // The type in `(a): T => {` reads as a bare parameter too; the longer reading is right.
    functions.sort_by_key(|function| (function.end, function.start));
    functions.dedup_by_key(|function| function.end);
    functions
}

/// Is this function the body of a `describe`? That is a container, not something that runs on.
pub(crate) fn is_suite(code: &str, function: &Function) -> bool {
    let Some(opening) = enclosing_call(code, function.start) else {
        return false;
    };
    let callee = callee(code, opening);
    callee.starts_with("describe") || callee.starts_with("suite")
}

/// What is called here: words, dots, and arguments of an earlier call.
fn callee(code: &str, opening: usize) -> &str {
    let bytes = code.as_bytes();
    let mut depth = 0_usize;
    let mut start = opening;
    while let Some(before) = start.checked_sub(1) {
        match bytes[before] {
            b')' | b']' => depth += 1,
            b'(' | b'[' if depth == 0 => break,
            b'(' | b'[' => depth -= 1,
            byte if depth > 0 || byte == b'.' || is_word_byte(byte) => {}
            _ => break,
        }
        start = before;
    }
    &code[start..opening]
}

/// The `(` that is still open here.
fn enclosing_call(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.as_bytes()[..from].iter().enumerate().rev() {
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' if depth == 0 => return Some(at),
            b'[' | b'{' if depth == 0 => return None,
            b'(' | b'[' | b'{' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn with_parameters(code: &str, opening: usize) -> Option<Function> {
    let head = Head::before(code, opening)?;
    let after = after_space(code, closing(code, opening)? + 1);
    let body = match code.as_bytes().get(after)? {
        b'{' => after,
        b'=' => arrow_body(code, after)?,
        b':' => body_after_type(code, after + 1)?,
        _ => return None,
    };
    Some(Function { name: head.name.to_owned(), start: head.start, end: closing(code, body)? })
}

/// `x => {`
fn with_bare_parameter(code: &str, arrow: usize) -> Option<Function> {
    let body = arrow_body(code, arrow)?;
    let parameter_end = before_space(code, arrow);
    let parameter = word_before(code, parameter_end);
    if parameter.is_empty() {
        return None;
    }
    let start = parameter_end - parameter.len();
    Some(Function { name: name_of_arrow(code, start).to_owned(), start, end: closing(code, body)? })
}

fn arrow_body(code: &str, arrow: usize) -> Option<usize> {
    let rest = code.get(arrow..)?.strip_prefix("=>")?;
    let body = after_space(code, code.len() - rest.len());
    (code.as_bytes().get(body) == Some(&b'{')).then_some(body)
}

/// What stands before a parameter list.
struct Head<'a> {
    name: &'a str,
    start: usize,
}

impl<'a> Head<'a> {
    /// `None` when this is a control statement, a `case`, or a branch of `a ? b(c) : {}`.
    fn before(code: &'a str, opening: usize) -> Option<Self> {
        let end = before_type_parameters(code, before_space(code, opening));
        let word = word_before(code, end);
        if matches!(word, "if" | "for" | "while" | "switch" | "catch" | "with" | "await" | "case" | "return") {
            return None;
        }
        let before = before_space(code, end - word.len());
        let owner = word_before(code, before);
        if owner == "case" || code.as_bytes()[..before].last() == Some(&b'?') {
            return None;
        }
        let (name, start) = match word {
            "" | "async" => (name_of_arrow(code, before), opening),
            "function" => (name_of_arrow(code, before), end - word.len()),
            name => (name, end - word.len()),
        };
        Some(Self { name, start })
    }
}

/// `name<T>` ends in its name.
fn before_type_parameters(code: &str, end: usize) -> usize {
    let bytes = code.as_bytes();
    if !code[..end].ends_with('>') || code[..end].ends_with("=>") {
        return end;
    }
    let mut depth = 0_usize;
    for at in (0..end).rev() {
        match bytes[at] {
            b'>' if at > 0 && bytes[at - 1] == b'=' => {}
            b'>' => depth += 1,
            b'<' if depth == 1 => return at,
            b'<' => depth -= 1,
            b';' => break,
            _ => {}
        }
    }
    end
}

/// `const name = …` and `name: …` name what follows; the rest is named for the call it is in.
fn name_of_arrow(code: &str, end: usize) -> &str {
    let end = before_space(code, end);
    let last = code.as_bytes()[..end].last();
    if matches!(last, Some(b'=' | b':' | b'(')) {
        let name = word_before(code, before_space(code, end - 1));
        if !name.is_empty() {
            return name;
        }
    }
    "(anonymous)"
}

/// The `{` of the body behind a return type. A `{` where a type is due opens a type.
fn body_after_type(code: &str, from: usize) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut at = from;
    let mut is_type_due = true;
    loop {
        at = after_space(code, at);
        match *bytes.get(at)? {
            b'{' if !is_type_due => return Some(at),
            b'{' | b'(' | b'[' => {
                at = closing(code, at)? + 1;
                is_type_due = false;
            }
            b'=' => return arrow_body(code, at),
            b'<' => at = closing_angle(bytes, at)? + 1,
            b'|' | b'&' | b'.' | b'?' => {
                is_type_due = true;
                at += 1;
            }
            quote @ (b'"' | b'\'' | b'`') => {
                at += 2 + bytes[at + 1..].iter().position(|byte| *byte == quote)?;
                is_type_due = false;
            }
            _ => {
                let word = word_at(code, at);
                if word.is_empty() {
                    return None;
                }
                at += word.len();
                is_type_due = is_type_operator(word);
            }
        }
    }
}

fn is_type_operator(word: &str) -> bool {
    matches!(word, "is" | "keyof" | "readonly" | "typeof" | "asserts" | "extends" | "infer" | "unique")
}

fn closing_angle(bytes: &[u8], opening: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in opening..bytes.len() {
        match bytes[at] {
            b'<' => depth += 1,
            // The head of an arrow is no bracket.
            b'>' if bytes[at - 1] == b'=' => {}
            b'>' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            b';' => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<String> {
        script_functions(code).into_iter().map(|function| function.name).collect()
    }

    #[test]
    fn every_form_is_found() {
        let cases = [
            ("function a(b) { c }", "a"),
            ("export async function a<T>(b: T): Promise<Map<T, () => T>> { }", "a"),
            ("const a = (b: number): b is 3 => { }", "a"),
            ("const a = async (b) => { }", "a"),
            ("const a = { b: c => { } }", "b"),
            ("const a = b => { }", "a"),
            ("class A { async run(b): Promise<{ c: 1 }> { } }", "run"),
            ("class A { a(): { b: 1 } | 'c' { } }", "a"),
            ("test('a', () => { })", "(anonymous)"),
            ("describe(() => { })", "describe"),
            ("f(function (a) { })", "f"),
        ];

        for (code, name) in cases {
            assert_eq!(names(code), [name], "{code}");
        }
    }

    #[test]
    fn what_looks_like_one_is_none() {
        let cases = [
            "if (a) { }",
            "for await (const a of b) { }",
            "while (a) { } switch (b) { } try { } catch (c) { }",
            "const a = b ? c(d) : { e: 1 };",
            "switch (a) { case f(b): { } }",
            "const a: (b: string) => { c: number } | null = d;",
            "f({ a: 1 }, (b));",
        ];

        for code in cases {
            let found = names(code);
            // The type of a variable may read as an arrow: it has no statements, so no length.
            assert!(found.iter().all(|name| name == "a"), "{code}: {found:?}");
        }
    }

    #[test]
    fn body_of_a_describe_is_a_suite() {
        let code = "describe.each([1])(' ', (a) => { test(' ', async () => { }) })";

        let suites: Vec<bool> = script_functions(code).iter().map(|function| is_suite(code, function)).collect();

        assert_eq!(suites, [false, true]);
    }

    #[test]
    fn a_function_ends_at_its_own_brace() {
        let code = "function a() { if (b) { } }\nfunction c() {}";
        let ends: Vec<&str> =
            script_functions(code).into_iter().map(|function| &code[function.start..=function.end]).collect();

        assert_eq!(ends, ["a() { if (b) { } }", "c() {}"]);
    }
}
