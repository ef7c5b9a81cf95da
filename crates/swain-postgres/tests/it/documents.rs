//! What the documents tell operators to run.

use swain_testkit::{postgres, spec};

use crate::bed::Bed;

const OPERATIONS: &str = include_str!("../../../../docs/operations/postgresql.md");

/// The statements of the page, without the prose.
fn statements() -> Vec<String> {
    let (mut statements, mut is_sql) = (String::new(), false);
    for line in OPERATIONS.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_sql = !is_sql && language == "sql",
            None if is_sql && !line.trim_start().starts_with("--") => statements.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    let all = statements.split(';').map(|statement| statement.trim().to_owned());
    all.filter(|statement| !statement.is_empty()).collect()
}

#[test]
fn the_monitoring_queries_say_what_the_page_says() {
    spec!("S15");
    let bed = Bed::new("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x')");
    bed.write("UPDATE t SET a = 'y'");
    let asked: Vec<(String, String)> =
        statements().into_iter().map(|sql| (postgres::run_sql(&bed.url, &sql), sql)).collect();

    let answer = |part: &str| {
        let found: Vec<&str> =
            asked.iter().filter(|(_, sql)| sql.contains(part)).map(|(answer, _)| answer.as_str()).collect();
        let [only] = found[..] else { panic!("{part}: {found:?}") };
        only
    };
    assert_eq!(answer("SELECT head, floor"), format!("{}|0", bed.head().0));
    assert_eq!(answer("count(DISTINCT tx)"), "0", "nothing waits");
    assert!(answer("pg_total_relation_size").contains("changes|"), "{asked:?}");
    assert_eq!(answer("tgenabled <> 'A'"), "", "all triggers are as they should be");
    assert!(answer("application_name = 'swain'").contains("idle|"), "{asked:?}");
    assert_eq!(asked.len(), 6, "{asked:?}");

    postgres::run_sql(&bed.url, "ALTER TABLE t DISABLE TRIGGER \"!swain_row\"");
    let triggers = &asked.iter().find(|(_, sql)| sql.contains("tgenabled")).unwrap().1;
    assert_eq!(postgres::run_sql(&bed.url, triggers), "t|!swain_row|D");
}
