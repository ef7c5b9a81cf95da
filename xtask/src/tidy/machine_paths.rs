//! No path that exists on one machine only.

use super::{Complaint, repository::Repository};

/// In two pieces, so that this file holds none of them.
const PLACES: [[&str; 2]; 4] = [["/wo", "rk/"], ["/t", "mp/"], ["/ro", "ot/"], ["/ho", "me/"]];

pub(crate) fn inspect(repository: &Repository) -> Vec<Complaint> {
    let places = PLACES.map(|pieces| pieces.concat());
    let mut complaints = Vec::new();
    for file in &repository.files {
        for place in &places {
            for (at, _) in file.text.match_indices(place.as_str()) {
                if begins_a_path(&file.text[..at]) {
                    let line = file.text[..at].matches('\n').count() + 1;
                    let text = format!(
                        "`{place}` is a path of one machine: make it relative, or ask for a \
                         temporary folder"
                    );
                    complaints.push(Complaint::new(&file.path, line, text));
                }
            }
        }
    }
    complaints
}

/// `docs/tmp/` and `/api/work/` only contain the same letters.
fn begins_a_path(before: &str) -> bool {
    match before.chars().next_back() {
        None => true,
        Some('/') => before.ends_with("file://"),
        Some(last) => !(last.is_alphanumeric() || "._-~}$)*".contains(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        inspect(&Repository::of(&[("a.toml", text)])).len()
    }

    #[test]
    fn machine_paths_are_found_where_a_path_begins() {
        let place = PLACES[1].concat();

        assert_eq!(count(&format!("a = \"{place}b\"")), 1);
        assert_eq!(count(&format!("file://{place}b")), 1);
        assert_eq!(count(&format!("{place}b\n{place}c")), 2);
        assert_eq!(count(&format!("docs{place}b ${{dir}}{place}c")), 0);
    }
}
