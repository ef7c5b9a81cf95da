//! Which SQL a rule may be, what it becomes, and what is said about the rest.

use std::collections::BTreeMap;

use swain_core::rule::Expression;
use swain_core::{Column, ColumnType, Schema, Table};
use swain_engine::{Catalog, TableConfig, parse_rule};
use swain_testkit::spec;

/// `name(column type, …)`, the first column is the key.
fn table(text: &str) -> Table {
    let (name, columns) = text.trim_end_matches(')').split_once('(').expect("name(columns)");
    let columns: Vec<(&str, ColumnType)> = columns
        .split(", ")
        .map(|column| column.split_once(' ').expect("name type"))
        .map(|(name, kind)| (name, ColumnType::from_name(kind).expect("a type")))
        .collect();
    let column = |(name, kind): &(&str, ColumnType)| {
        ((*name).into(), Column { kind: *kind, nullable: true, has_default: false, generated: false })
    };
    let key = vec![columns[0].0.into()];
    Table::new(name.into(), columns.iter().map(column).collect(), key)
}

fn schema(tables: &[&str]) -> Schema {
    let tables = tables.iter().map(|text| table(text)).map(|table| (table.name.clone(), table));
    Schema { version: 1, tables: tables.collect() }
}

fn projects() -> Schema {
    schema(&[
        "projects(pid text, org text, public bool, size int64, since time, title text)",
        "members(mid text, project text, user_id text, role text)",
        "orgs(org text, owner text)",
    ])
}

fn parse(schema: &Schema, table: &str, text: &str) -> Expression {
    parse_rule(schema, &schema.tables[table], text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

const GUIDE: &str = include_str!("../../../../docs/guide/rules.md");

/// The tables of the five applications, by the heading in the guide.
fn applications() -> Vec<(&'static str, Schema)> {
    let tables: [(&str, &[&str]); 5] = [
        (
            "Assessments",
            &[
                "projects(id text, name text)",
                "project_members(project_id text, user_id text, role text)",
                "assessment_responses(rid text, project_id text, answer text)",
            ],
        ),
        (
            "Boathouse",
            &[
                "athletes(athlete_id text, team_id text, weight float64)",
                "team_members(member_id text, team_id text, athlete_id text, role text)",
                "gauntlets(gauntlet_id text, created_by text)",
                "gauntlet_positions(position_id text, gauntlet_id text, athlete_id text)",
            ],
        ),
        (
            "CourtSync",
            &["scores(id text, match_id int64, status text)", "claims(id text, match_id int64, claimed_by text)"],
        ),
        ("Pace", &["games(id text, owner text, finished bool)", "players(id text, game text)"]),
        ("Logbook", &["entries(id text, user_id text, tags json, created time)"]),
    ];
    tables.into_iter().map(|(name, tables)| (name, schema(tables))).collect()
}

/// The tables of the guide's block under a heading.
fn written_under(heading: &str) -> BTreeMap<String, TableConfig> {
    let rest = GUIDE.split_once(&format!("## {heading}\n")).expect("the guide has the application").1;
    let block = rest.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).expect("it has rules").0;
    let mut tables: BTreeMap<String, TableConfig> = BTreeMap::new();
    let mut open = String::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        if let Some(table) = line.strip_prefix("[tables.") {
            table.trim_end_matches(']').clone_into(&mut open);
            tables.insert(open.clone(), TableConfig::default());
            continue;
        }
        let (key, rule) = line.split_once(" = ").expect("key = rule");
        let rule = Some(rule.trim_matches('"').to_owned());
        let table = tables.get_mut(&open).expect("a table comes first");
        match key {
            "read" => table.read = rule,
            "write" => table.write = rule,
            "insert" => table.insert = rule,
            "update" => table.update = rule,
            "delete" => table.delete = rule,
            "check" => table.check = rule,
            other => panic!("{other}"),
        }
    }
    tables
}

#[test]
fn the_rules_of_five_applications_are_as_the_guide_has_them() {
    spec!("R8");
    for (name, schema) in applications() {
        let tables = written_under(name);
        assert_eq!(tables.len(), schema.tables.len(), "{name}");

        if let Err(error) = Catalog::new(schema, &tables) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn a_correlated_membership_becomes_one_that_depends_on_who_asks_alone() {
    spec!("R8");
    let schema = projects();
    let plain = "pid IN (SELECT project FROM members WHERE role = 'owner' AND user_id = auth.id)";
    let expected = parse(&schema, "projects", plain);
    let forms = [
        "auth.uid() IN (SELECT user_id FROM members WHERE members.project = projects.pid AND role = 'owner')",
        "(SELECT auth.uid()) IN (SELECT m.user_id FROM members AS m WHERE (m.project = pid AND m.role = 'owner'))",
        "EXISTS (SELECT 1 FROM members m WHERE m.project = pid AND m.role = 'owner' AND m.user_id = auth.id)",
        "EXISTS (SELECT * FROM members m WHERE m.role = 'owner' AND projects.pid = m.project AND m.user_id = auth.uid())",
    ];

    for form in forms {
        assert_eq!(parse(&schema, "projects", form), expected, "{form}");
    }
}

#[test]
fn a_rule_is_written_so_that_it_reads_as_the_same() {
    spec!("R16");
    let schema = projects();
    let rules = [
        "public",
        "NOT (public = FALSE OR org IS NULL) AND title IS NOT NULL",
        "org = auth.id AND (size >= 3 OR size < -1) AND since <= '2026-01-02T03:04:05.000Z'",
        "title IN ('a', 'O''Hara') OR title NOT IN ('b') OR auth.role = 'coach' OR org = auth.claims.club",
        "pid IN (SELECT project FROM members WHERE role = 'owner' AND user_id = auth.id)",
        "pid NOT IN (SELECT project FROM members) AND size <> 4",
        "EXISTS (SELECT 1 FROM orgs WHERE owner = auth.id)",
        "org IN (SELECT org FROM orgs WHERE owner IN (SELECT user_id FROM members WHERE role = 'owner'))",
    ];
    for rule in rules {
        let read = parse(&schema, "projects", rule);
        let written = read.to_string();

        assert_eq!(parse(&schema, "projects", &written), read, "{rule}\n{written}");
    }
}

#[test]
fn what_is_not_in_the_subset_is_refused_under_the_word_with_the_nearest_form() {
    spec!("R8");
    let schema = projects();
    let deep = "pid IN (SELECT project FROM members WHERE role IN (SELECT role FROM members WHERE role IN (SELECT role FROM members WHERE role IN (SELECT role FROM members))))";
    let cases = [
        ("title LIKE 'x%'", 1, "compare with = or IN"),
        ("size BETWEEN 1 AND 2", 1, "x >= low AND x <= high"),
        ("title < 'x'", 1, "compares numbers and times"),
        ("size + 1 = 2", 1, "does not compute"),
        ("public AND title", 12, "compare it with something"),
        ("title = lower(title)", 9, "functions are not in a rule"),
        ("title = NULL", 9, "write IS NULL"),
        ("pid IN (SELECT project FROM nowhere)", 29, "add [tables.nowhere]"),
        ("pid IN (SELECT project, role FROM members)", 9, "gives one column"),
        ("pid IN (SELECT project FROM members JOIN orgs ON true)", 9, "a join becomes a nested IN"),
        ("pid IN (SELECT project FROM members GROUP BY project)", 9, "a join becomes a nested IN"),
        ("pid IN (SELECT project FROM members LIMIT 1)", 9, "a join becomes a nested IN"),
        ("size IN (SELECT project FROM members)", 17, "int64 is compared with text"),
        ("NOT EXISTS (SELECT 1 FROM members m WHERE m.project = pid)", 43, "pid NOT IN (SELECT project FROM members"),
        ("NOT (auth.id IN (SELECT user_id FROM members m WHERE m.project = pid))", 54, "under NOT"),
        (
            "EXISTS (SELECT 1 FROM members m WHERE m.project = pid AND m.role = title)",
            59,
            "tied to the row by one column",
        ),
        ("EXISTS (SELECT 1 FROM members m WHERE m.project = pid OR m.role = 'x')", 51, "compared by ="),
        ("title IN (SELECT role FROM members m WHERE m.project = pid)", 1, "only one can be followed"),
        (deep, 1, "nested at most 3 deep"),
    ];

    for (text, column, message) in cases {
        let error = parse_rule(&schema, &schema.tables["projects"], text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(text == deep || error.column == column, "{text}: {error}");
    }
}

#[test]
fn a_place_in_a_rule_of_several_lines_is_a_line_and_a_column() {
    spec!("R1");
    let schema = projects();

    let error = parse_rule(&schema, &schema.tables["projects"], "public\nOR nope = 1").expect_err("it is wrong");

    assert_eq!((error.line, error.column), (2, 4), "{error}");
}
