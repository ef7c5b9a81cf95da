//! Three-way merge of texts (spec M14): by lines, and where both changed the same lines, by words.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::limits::TEXT_MERGE_STEPS_MAX;

/// What two texts that come from one become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedText {
    /// The text. Of lines in which both changed the same words it has both versions, the stored one first: a word
    /// made of both would be neither's.
    pub text: String,
    /// True when both changed the same words: a person has to decide.
    pub overlaps: bool,
}

/// A stretch of the three texts: the base's tokens and what each side has instead.
struct Stretch<'t> {
    base: Vec<&'t str>,
    stored: Vec<&'t str>,
    arriving: Vec<&'t str>,
}

/// Merges what both sides changed since their base; none when the texts are too long to be compared
/// ([`TEXT_MERGE_STEPS_MAX`]).
pub fn merge_texts(base: &str, stored: &str, arriving: &str) -> Option<MergedText> {
    let mut merged = MergedText { text: String::new(), overlaps: false };
    for lines in stretches(&lines(base), &lines(stored), &lines(arriving))? {
        if let Some(text) = lines.settled() {
            text.iter().for_each(|line| merged.text.push_str(line));
            continue;
        }
        let (base, stored, arriving) = (lines.base.concat(), lines.stored.concat(), lines.arriving.concat());
        let by_words = stretches(&words(&base), &words(&stored), &words(&arriving))?;
        if by_words.iter().any(|words| words.settled().is_none()) {
            merged.overlaps = true;
            push_both(&mut merged.text, &stored, &arriving);
            continue;
        }
        by_words.iter().filter_map(Stretch::settled).flatten().for_each(|word| merged.text.push_str(word));
    }
    Some(merged)
}

/// The lines of the one and behind them those of the other.
fn push_both(text: &mut String, stored: &str, arriving: &str) {
    text.push_str(stored);
    if !stored.is_empty() && !stored.ends_with('\n') && !arriving.is_empty() {
        text.push('\n');
    }
    text.push_str(arriving);
}

impl<'t> Stretch<'t> {
    /// What becomes of it; none when both sides changed it, each in its own way.
    fn settled(&self) -> Option<&[&'t str]> {
        if self.stored == self.base || self.stored == self.arriving {
            return Some(&self.arriving);
        }
        (self.arriving == self.base).then_some(&self.stored)
    }
}

/// The texts cut where all three agree.
fn stretches<'t>(base: &[&'t str], stored: &[&'t str], arriving: &[&'t str]) -> Option<Vec<Stretch<'t>>> {
    let (in_stored, in_arriving) = (common(base, stored)?, common(base, arriving)?);
    let mut cut = Vec::new();
    let (mut from, mut from_stored, mut from_arriving) = (0, 0, 0);
    for (place, token) in base.iter().enumerate() {
        let (Some(there), Some(here)) = (in_stored[place], in_arriving[place]) else { continue };
        cut.push(Stretch {
            base: base[from..place].to_vec(),
            stored: stored[from_stored..there].to_vec(),
            arriving: arriving[from_arriving..here].to_vec(),
        });
        cut.push(Stretch { base: vec![token], stored: vec![token], arriving: vec![token] });
        (from, from_stored, from_arriving) = (place + 1, there + 1, here + 1);
    }
    cut.push(Stretch {
        base: base[from..].to_vec(),
        stored: stored[from_stored..].to_vec(),
        arriving: arriving[from_arriving..].to_vec(),
    });
    Some(cut)
}

/// Where each token of `a` is in `b`, by the longest common subsequence; none when that takes too many steps.
fn common(a: &[&str], b: &[&str]) -> Option<Vec<Option<usize>>> {
    let mut places = vec![None; a.len()];
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    (0..head).for_each(|place| places[place] = Some(place));
    (0..tail).for_each(|back| places[a.len() - 1 - back] = Some(b.len() - 1 - back));
    let (inner_a, inner_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);

    let width = inner_b.len() + 1;
    if (inner_a.len() + 1).checked_mul(width)? > TEXT_MERGE_STEPS_MAX {
        return None;
    }
    // The length of the longest common subsequence of what is behind each pair of places.
    let mut lengths = vec![0_u32; (inner_a.len() + 1) * width];
    for i in (0..inner_a.len()).rev() {
        for j in (0..inner_b.len()).rev() {
            lengths[i * width + j] = match inner_a[i] == inner_b[j] {
                true => lengths[(i + 1) * width + j + 1] + 1,
                false => lengths[(i + 1) * width + j].max(lengths[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < inner_a.len() && j < inner_b.len() {
        if inner_a[i] == inner_b[j] {
            places[head + i] = Some(head + j);
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    Some(places)
}

/// Lines with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Words, and what is between them, a character each.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (place, char) in text.char_indices() {
        let is_word = char.is_alphanumeric();
        if place > start && !(is_word && in_word) {
            words.push(&text[start..place]);
            start = place;
        }
        in_word = is_word;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}
