//! Reading Markdown as far as tidy must: what is prose, and what stands in fences.

/// A fenced block: the line of its fence and the lines in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) line: usize,
    pub(crate) lines: Vec<&'a str>,
}

/// A line outside fences, with its number.
pub(crate) type Prose<'a> = (usize, &'a str);

/// Takes a page apart.
pub(crate) fn split(text: &str) -> (Vec<Prose<'_>>, Vec<Block<'_>>) {
    let mut prose = Vec::new();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start();
        match (open, fence(content)) {
            (None, Some(mark)) => {
                open = Some(mark);
                blocks.push(Block { line: index + 1, lines: Vec::new() });
            }
            (None, None) => prose.push((index + 1, line)),
            (Some(opened), Some(mark)) if mark.starts_with(opened) && content.trim_end() == mark => {
                open = None;
            }
            (Some(_), _) => blocks.last_mut().expect("an open fence has its block").lines.push(line),
        }
    }
    (prose, blocks)
}

/// The backticks or tildes that open or close a block.
fn fence(content: &str) -> Option<&str> {
    let mark = content.chars().next().filter(|mark| "`~".contains(*mark))?;
    let length = content.len() - content.trim_start_matches(mark).len();
    (length >= 3).then(|| &content[..length])
}

/// The line with `code` blanked, so that nothing in it is a link.
pub(crate) fn without_code(line: &str) -> String {
    let mut parts = line.split('`').peekable();
    let mut is_code = false;
    let mut kept = String::new();
    while let Some(part) = parts.next() {
        // A last backtick without a partner is a backtick.
        if is_code && parts.peek().is_some() {
            kept.push_str(&" ".repeat(part.len()));
        } else {
            kept.push_str(part);
        }
        kept.push(' ');
        is_code = !is_code;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_told_from_prose() {
        let (prose, blocks) = split("a\n```sh\nb\n# c\n```\nd\n~~~~\n```\n~~~~\n");

        assert_eq!(prose, [(1, "a"), (6, "d")]);
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].line, &*blocks[0].lines), (2, &["b", "# c"][..]));
        assert_eq!(blocks[1].lines, ["```"]);
    }

    #[test]
    fn code_in_a_line_is_blank() {
        assert_eq!(without_code("a `[b](c)` d").trim_end(), "a          d");
        assert_eq!(without_code("it`s [a](b)").trim_end(), "it s [a](b)");
    }
}
