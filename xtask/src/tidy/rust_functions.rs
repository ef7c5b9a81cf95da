//! Where the functions of a Rust file begin and end.

use super::brackets::{after_space, closing, word_at, words};

/// A function with a body, as offsets into its source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) fn rust_functions(code: &str) -> Vec<Function> {
    words(code, "fn")
        .filter_map(|start| {
            let name_at = after_space(code, start + "fn".len());
            let name = word_at(code, name_at);
            // `fn(…)` is a type.
            if name.is_empty() {
                return None;
            }
            let opening = body(code, name_at + name.len())?;
            Some(Function { name: name.to_owned(), start, end: closing(code, opening)? })
        })
        .collect()
}

/// The `{` of the body; none when a `;` comes first. `[u8; 4]` in the signature is no end.
fn body(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<(String, &str)> {
        rust_functions(code).into_iter().map(|function| (function.name, &code[function.start..=function.end])).collect()
    }

    #[test]
    fn bodies_are_found_behind_any_signature() {
        let code = "pub async fn a<T>(x: [u8; 4]) -> [T; 2] where T: Fn(u8) { { } } fn b() {}";

        let names: Vec<String> = found(code).into_iter().map(|(name, _)| name).collect();

        assert_eq!(names, ["a", "b"]);
        assert!(found(code)[0].1.ends_with("{ { } }"));
    }

    #[test]
    fn declarations_and_types_are_no_functions() {
        assert_eq!(found("trait T { fn a(&self) -> u8; } type F = fn(u8) -> u8;"), []);
    }

    #[test]
    fn function_inside_a_function_counts_for_itself_too() {
        let code = "fn a() { fn b() { } }";

        assert_eq!(found(code).len(), 2);
        assert_eq!(found(code)[1].1, "fn b() { }");
    }
}
