//! What strategies make of two values, case by case, and the laws that hold for all of them.

#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use swain_core::merge::{combine, merge_texts, proposal};
use swain_core::strict_json::parse;
use swain_core::{ColumnType, Strategy as Rule, Value, Was};
use swain_testkit::spec;

const RULE: &str = "\n\n---\n\n";

fn value(json: &str) -> Value {
    parse(json).unwrap()
}

/// Base, stored and arriving as JSON.
fn made(rule: &Rule, kind: ColumnType, [base, stored, arriving]: [&str; 3]) -> Option<String> {
    let was = Was::Value(value(base));
    combine(rule, kind, &was, &value(stored), &value(arriving)).map(|made| made.canonical())
}

#[test]
fn each_strategy_makes_what_its_name_says() {
    spec!("M13");
    use ColumnType::{Float64, Int64, Json, Text, Time};
    let notes = Rule::Concat(RULE.into());
    for (rule, kind, values, expected) in [
        (&Rule::Max, Int64, ["60", "90", "75"], Some("90")),
        (&Rule::Max, Int64, ["60", "75", "90"], Some("90")),
        (&Rule::Max, Int64, ["1", "null", "-3"], Some("-3")),
        (&Rule::Max, Int64, ["1", "5", "null"], Some("5")),
        // Beyond 2^53 whole numbers are texts.
        (&Rule::Max, Int64, ["1", "\"9007199254740993\"", "7"], Some("\"9007199254740993\"")),
        (&Rule::Min, Float64, ["1", "2.5", "-0.5"], Some("-0.5")),
        (&Rule::Min, Float64, ["1", "\"-Infinity\"", "3"], Some("\"-Infinity\"")),
        (&Rule::Max, Time, ["null", "\"2026-01-02\"", "\"2025-12-31\""], Some("\"2026-01-02\"")),
        (&Rule::Max, Int64, ["1", "\"x\"", "3"], None),
        (&Rule::Union, Json, ["[]", "[\"a\",\"b\"]", "[\"c\",\"a\"]"], Some("[\"a\",\"b\",\"c\"]")),
        (&Rule::Union, Json, ["[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]", "[\"a\"]"], Some("[\"a\",\"b\",\"c\"]")),
        (&Rule::Union, Json, ["null", "null", "[1,1,2]"], Some("[1,2]")),
        (&Rule::Union, Json, ["null", "{}", "[1]"], None),
        (&notes, Text, ["\"\"", "\"theirs\"", "\"mine\""], Some("\"theirs\\n\\n---\\n\\nmine\"")),
        (&notes, Text, ["\"\"", "\"theirs\\n\\n---\\n\\nmine\"", "\"mine\""], Some("\"theirs\\n\\n---\\n\\nmine\"")),
        (
            &notes,
            Text,
            ["\"a\"", "\"a\\n\\n---\\n\\nb\"", "\"a\\n\\n---\\n\\nc\""],
            Some("\"a\\n\\n---\\n\\nb\\n\\n---\\n\\nc\""),
        ),
        (&notes, Text, ["null", "null", "\"mine\""], Some("\"mine\"")),
        (&notes, Text, ["null", "\"theirs\"", "null"], Some("\"theirs\"")),
        (
            &Rule::Merge,
            Json,
            ["{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}", "{\"a\":1,\"b\":3}"],
            Some("{\"a\":2,\"b\":3}"),
        ),
        (&Rule::Merge, Json, ["{\"a\":1}", "{\"a\":2,\"c\":1}", "{}"], Some("{\"c\":1}")),
        (&Rule::Merge, Json, ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"], Some("{\"a\":3}")),
        (&Rule::Merge, Json, ["null", "{\"a\":1}", "{\"b\":2}"], Some("{\"a\":1,\"b\":2}")),
        (&Rule::Merge, Json, ["null", "[1]", "{\"b\":2}"], None),
        (&Rule::ServerWins, Text, ["null", "\"a\"", "\"b\""], None),
    ] {
        assert_eq!(made(rule, kind, values).as_deref(), expected, "{rule:?} of {values:?}");
    }
}

#[test]
fn without_a_base_objects_lose_no_member() {
    spec!("M13");
    let was = Was::Hash("0000000000000000".into());
    let made = combine(&Rule::Merge, ColumnType::Json, &was, &value("{\"a\":1,\"b\":1}"), &value("{\"b\":2}"));
    assert_eq!(made, Some(value("{\"a\":1,\"b\":2}")));
}

#[test]
fn a_strategy_fits_the_types_it_is_for() {
    spec!("M13");
    use ColumnType::{Bool, Bytes, Decimal, Float64, Int64, Json, Text, Time};
    let all = [Bool, Int64, Float64, Decimal, Text, Bytes, Json, Time];
    let fitting = |rule: &Rule| all.into_iter().filter(|kind| rule.fits(*kind)).collect::<Vec<_>>();
    assert_eq!(fitting(&Rule::Max), [Int64, Float64, Time]);
    assert_eq!(fitting(&Rule::Concat("\n".into())), [Text]);
    assert_eq!(fitting(&Rule::Union), [Json]);
    assert_eq!(fitting(&Rule::Text), [Text]);
    assert_eq!(fitting(&Rule::Arrival), all);
    assert_eq!(fitting(&Rule::Manual), all);
}

#[test]
fn texts_are_merged_by_lines_and_then_by_words() {
    spec!("M14");
    for (texts, expected, overlaps) in [
        // Different lines.
        (["a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n"], "A\nb\nC\n", false),
        (["a\nb\n", "a\nb\nc\n", "0\na\nb\n"], "0\na\nb\nc\n", false),
        // One goes, another comes.
        (["a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n"], "a\nc\nd\n", false),
        // Different words of one line, which has no end.
        (["at six on court one", "at seven on court one", "at six on court two"], "at seven on court two", false),
        // The same words.
        (["at six", "at seven", "at eight"], "at seven\nat eight", true),
        (
            ["at six\non court one\n", "at seven\non court one\n", "at eight\non court two\n"],
            "at seven\non court one\nat eight\non court two\n",
            true,
        ),
        // The same change by both.
        (["at six", "at seven", "at seven"], "at seven", false),
        // Both write into what was empty.
        (["", "mine", "yours"], "mine\nyours", true),
        // Letters beyond ASCII are not torn.
        (["größer ist", "größer war", "Größer ist"], "Größer war", false),
    ] {
        let merged = merge_texts(texts[0], texts[1], texts[2]).unwrap();
        assert_eq!((merged.text.as_str(), merged.overlaps), (expected, overlaps), "{texts:?}");
    }
}

#[test]
fn what_a_text_cannot_settle_is_a_persons_and_has_a_proposal() {
    spec!("M14");
    let text = |base: &str, stored: &str, arriving: &str| made(&Rule::Text, ColumnType::Text, [base, stored, arriving]);
    assert_eq!(text("\"at six\"", "\"at seven\"", "\"or at six\"").as_deref(), Some("\"or at seven\""));
    assert_eq!(text("\"at six\"", "\"at seven\"", "\"at eight\""), None);
    assert_eq!(text("\"at six\"", "null", "\"at eight\""), None, "cleared by the one, changed by the other");
    let unseen = Was::Hash("0000000000000000".into());
    assert_eq!(combine(&Rule::Text, ColumnType::Text, &unseen, &value("\"a\""), &value("\"b\"")), None);

    let was = Was::Value(value("\"at six\""));
    let proposed = proposal(ColumnType::Text, &was, &value("\"at seven\""), &value("\"at eight\""));
    assert_eq!(proposed, Some(value("\"at seven\\nat eight\"")));
    assert_eq!(
        proposal(ColumnType::Int64, &was, &value("1"), &value("2")),
        None,
        "there is nothing between two numbers"
    );
}

#[test]
fn texts_that_would_hold_the_writer_up_are_left_to_a_person() {
    spec!("M14");
    let lines = |word: &str| (0..1100).map(|number| format!("{word} {number}\n")).collect::<String>();
    assert_eq!(merge_texts("", "", &lines("a")).map(|merged| merged.overlaps), Some(false));
    assert_eq!(merge_texts(&lines("a"), &lines("b"), &lines("c")), None);
}

proptest! {
    #[test]
    fn a_text_that_one_side_changed_is_that_sides(base in text(), changed in text()) {
        spec!("M14");
        for (stored, arriving) in [(&base, &changed), (&changed, &base), (&changed, &changed)] {
            let merged = merge_texts(&base, stored, arriving).unwrap();
            prop_assert_eq!((merged.text.as_str(), merged.overlaps), (changed.as_str(), false));
        }
    }

    #[test]
    fn who_came_first_does_not_matter_to_a_text_that_merges(base in text(), a in text(), b in text()) {
        spec!("M14");
        let (ab, ba) = (merge_texts(&base, &a, &b).unwrap(), merge_texts(&base, &b, &a).unwrap());
        prop_assert_eq!(ab.overlaps, ba.overlaps);
        if !ab.overlaps {
            prop_assert_eq!(ab.text, ba.text);
        }
    }

    #[test]
    fn no_line_that_somebody_wrote_is_lost(base in text(), stored in text(), arriving in text()) {
        spec!("M14");
        let merged = merge_texts(&base, &stored, &arriving).unwrap();
        // Words that nobody else has: what the merge made of them is in the text, word by word.
        for (side, other) in [(&stored, &arriving), (&arriving, &stored)] {
            for word in side.split_whitespace().filter(|word| !base.contains(word) && !other.contains(word)) {
                prop_assert!(merged.text.contains(word), "{word} is lost in {merged:?}");
            }
        }
    }

    #[test]
    fn what_comes_twice_changes_nothing((rule, kind) in rule(), base in any_value(), stored in any_value(), arriving in any_value()) {
        spec!("M13");
        let was = Was::Value(base);
        if let Some(once) = combine(&rule, kind, &was, &stored, &arriving) {
            let twice = combine(&rule, kind, &was, &once, &arriving);
            prop_assert_eq!(twice, Some(once));
        }
    }

    #[test]
    fn greatest_least_and_union_do_not_care_who_came_first(kind in prop::sample::select(vec![0, 1, 2]), a in any_value(), b in any_value()) {
        spec!("M13");
        let (rule, kind) = [(Rule::Max, ColumnType::Int64), (Rule::Min, ColumnType::Float64), (Rule::Union, ColumnType::Json)][kind].clone();
        let was = Was::Value(Value::Null);
        let in_order = |value: Option<Value>| match value {
            Some(Value::List(mut items)) => { items.sort(); Some(Value::List(items)) }
            other => other,
        };
        let (ab, ba) = (combine(&rule, kind, &was, &a, &b), combine(&rule, kind, &was, &b, &a));
        // Numbers that are equal may be written in two ways.
        let is_same = |a: &Option<Value>, b: &Option<Value>| a.as_ref().map(number) == b.as_ref().map(number);
        prop_assert!(in_order(ab.clone()) == in_order(ba.clone()) || is_same(&ab, &ba), "{ab:?} {ba:?}");
    }

    #[test]
    fn nothing_that_was_written_is_lost_by_union_and_concat(stored in words(), arriving in words()) {
        spec!("M13");
        let was = Was::Value(Value::Null);
        let list = |words: &[String]| Value::List(words.iter().map(|word| Value::text(word.as_str())).collect());
        let text = |words: &[String]| Value::text(words.join(RULE));
        let Some(Value::List(all)) = combine(&Rule::Union, ColumnType::Json, &was, &list(&stored), &list(&arriving)) else {
            return Err(TestCaseError::fail("two arrays have a union"));
        };
        let joined = combine(&Rule::Concat(RULE.into()), ColumnType::Text, &was, &text(&stored), &text(&arriving));
        let joined = joined.and_then(|joined| joined.as_text().map(str::to_owned)).unwrap_or_default();
        for word in stored.iter().chain(&arriving) {
            prop_assert!(all.contains(&Value::text(word.as_str())));
            prop_assert!(joined.split(RULE).any(|part| part == word), "{word} in {joined}");
        }
    }
}

fn number(value: &Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        other => other.as_text().map(str::to_owned),
    }
}

fn rule() -> impl Strategy<Value = (Rule, ColumnType)> {
    prop::sample::select(vec![
        (Rule::Max, ColumnType::Int64),
        (Rule::Min, ColumnType::Float64),
        (Rule::Max, ColumnType::Time),
        (Rule::Union, ColumnType::Json),
        (Rule::Concat(RULE.into()), ColumnType::Text),
        (Rule::Concat("\n".into()), ColumnType::Text),
        (Rule::Merge, ColumnType::Json),
    ])
}

fn text() -> impl Strategy<Value = String> {
    let line = prop::collection::vec("[a-d]{1,3}", 0..4).prop_map(|words| words.join(" "));
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"))
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-z]{1,4}", 0..5)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (-5i64..5).prop_map(Value::int64),
        (-5i64..5).prop_map(|number| Value::number(number as f64 / 2.0)),
        words().prop_map(|words| Value::text(words.join(RULE))),
        "[ab\n]{0,4}".prop_map(|text| Value::text(text.as_str())),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map("[a-d]".prop_map(|name| name.into()), inner, 0..4).prop_map(Value::Object),
        ]
    })
}
