//! Which SQL a rule may be, what it becomes, and what is said about the rest.

use swain_core::rule::Expression;
use swain_core::{Column, ColumnType, Schema, Table};
use swain_engine::parse_rule;
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
    Table {
        name: name.into(),
        key: vec![columns[0].0.into()],
        columns: columns.iter().map(column).collect(),
        scopes: Default::default(),
        strategies: Default::default(),
        fills: Default::default(),
        ids: Default::default(),
        uniques: Default::default(),
        references: Default::default(),
    }
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

#[test]
fn the_rules_of_five_applications_are_rules() {
    spec!("R8");
    let member = "project_id IN (SELECT project_id FROM project_members WHERE user_id = auth.id)";
    let editor = "project_id IN (SELECT project_id FROM project_members WHERE user_id = auth.uid() AND role IN ('owner', 'editor'))";
    let assessments = schema(&[
        "projects(id text, name text)",
        "project_members(project_id text, user_id text, role text)",
        "assessment_responses(rid text, project_id text, answer text)",
    ]);
    let see_projects = "auth.uid() IN (SELECT user_id FROM project_members WHERE project_id = id)";
    let edit_projects =
        "auth.uid() IN (SELECT user_id FROM project_members WHERE project_id = id AND role IN ('owner', 'editor'))";
    let boathouse = schema(&[
        "athletes(athlete_id text, team_id text, weight float64)",
        "team_members(tid text, team_id text, athlete_id text, role text)",
        "gauntlets(gauntlet_id text, created_by text)",
        "gauntlet_positions(position_id text, gauntlet_id text, athlete_id text)",
    ]);
    let team = "team_id IN (SELECT team_id FROM team_members WHERE athlete_id = auth.id)";
    let coach = "EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = athletes.team_id AND m.athlete_id = auth.id AND m.role = 'coach')";
    let gauntlet = "created_by = auth.id OR gauntlet_id IN (SELECT gauntlet_id FROM gauntlet_positions WHERE athlete_id = auth.id)";
    let courtsync = schema(&[
        "scores(id text, event_id text, match_id int64, status text)",
        "claims(id text, match_id int64, claimed_by text)",
    ]);
    let claimed = "match_id IN (SELECT match_id FROM claims WHERE claimed_by = auth.id)";
    let pace = schema(&["games(id text, owner text, finished bool)", "players(id text, game text, shared_with text)"]);
    let pace_players = "game IN (SELECT id FROM games WHERE owner = auth.id OR NOT finished)";
    let logbook = schema(&["entries(id text, user_id text, tags json, created time)"]);
    let cases = [
        (&assessments, "projects", see_projects),
        (&assessments, "projects", edit_projects),
        (&assessments, "assessment_responses", member),
        (&assessments, "assessment_responses", editor),
        (&boathouse, "athletes", team),
        (&boathouse, "athletes", coach),
        (&boathouse, "gauntlets", gauntlet),
        (&courtsync, "scores", claimed),
        (&courtsync, "scores", "auth.role IN ('Media', 'Spectator', 'Coach')"),
        (&pace, "games", "owner = auth.id"),
        (&pace, "players", pace_players),
        (&logbook, "entries", "user_id = auth.id AND created >= '2024-01-01'"),
    ];

    for (schema, table, text) in cases {
        parse(schema, table, text);
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
