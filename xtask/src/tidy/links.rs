//! Links of our pages to our files lead somewhere.

use super::{
    Complaint,
    markdown::{split, without_code},
    repository::{File, Repository},
};

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    repository.documents().flat_map(|file| broken(repository, file)).collect()
}

fn broken(repository: &Repository, file: &File) -> Vec<Complaint> {
    let (prose, _) = split(&file.text);
    let mut complaints = Vec::new();
    for (number, line) in prose {
        let line = without_code(line);
        for target in targets(&line) {
            if is_elsewhere(target) || leads_somewhere(repository, &file.path, target) {
                continue;
            }
            let text = format!("`{target}` leads nowhere: correct the link or write the page");
            complaints.push(Complaint::new(&file.path, number, text));
        }
    }
    complaints
}

/// What `[text](target "title")` and `[name]: target` point at.
fn targets(line: &str) -> Vec<&str> {
    let definition =
        line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    inline
        .chain(definition)
        .filter_map(|target| target.split_whitespace().next())
        .map(|target| target.trim_matches(['<', '>']))
        .collect()
}

fn is_elsewhere(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    !scheme.is_empty() && scheme.chars().all(|letter| letter.is_ascii_alphanumeric())
}

fn leads_somewhere(repository: &Repository, page: &str, target: &str) -> bool {
    let path = target.split(['#', '?']).next().unwrap_or(target);
    if path.is_empty() {
        return true;
    }
    let Some(path) = resolve(page, path) else {
        return false;
    };
    let folder = format!("{path}/");
    path.is_empty()
        || repository.paths.contains(&path)
        || repository.paths.range(folder.clone()..).next().is_some_and(|next| next.starts_with(&folder))
}

/// `None` when it leaves the repository.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/b.md", "# B"), ("spec/c.md", "# C")];
        inspect(&Repository::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn good_links_are_quiet() {
        let text = "[b](b.md) and [c](../spec/c.md#x \"C\"), [folder](../spec/), [root](/spec/c.md)\n\
                    [here](#there) [web](https://a.example/b) [mail](mailto:a@b.example)\n\
                    `[code](nowhere.md)` ![image](<b.md>)\n\n[name]: b.md\n\
                    ```\n[fenced](nowhere.md)\n```\n";

        assert_eq!(complaints(text), [""; 0]);
    }

    #[test]
    fn dead_links_are_named() {
        let found = complaints("\n[b](c.md)\n[d]: ../../out.md\n");

        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("docs/a.md:2: `c.md` leads nowhere"));
    }
}
