//! Rows over plain HTTP.

use serde_json::json;
use swain_testkit::spec;

use crate::http_streams::{bearer, push};
use crate::socket::insert;
use crate::stage::Stage;

#[tokio::test]
async fn a_row_tells_who_changed_what_and_when_page_by_page() {
    spec!("P30", "R17");
    let stage = Stage::new().await;
    let (ada, ben) = (stage.signup("ada").await, stage.signup("ben").await);
    let (by_ada, by_ben) = (bearer(&ada), bearer(&ben));
    push(&stage, "d1", 1, &insert("k", "one"), &[("authorization", &by_ada)]).await;
    let change = r#"{"update":{"table":"t","key":["k"],"set":{"a":"two"},"was":{"a":{"value":"one"}}}}"#;
    push(&stage, "d2", 1, change, &[("authorization", &by_ben)]).await;

    let first = stage.get("/api/tables/t/rows/k/history?limit=1", &[]).await;
    let more = first.body["more"].as_u64().unwrap();
    let path = format!("/api/tables/t/rows/%5B%22k%22%5D/history?before={more}");
    let second = stage.get(&path, &[]).await;

    let step = &first.body["steps"][0];
    assert_eq!((&step["kind"], &step["by"]), (&json!("update"), &json!({"user": ben.id})));
    assert_eq!((&step["before"], &step["after"]), (&json!({"a": "one"}), &json!({"a": "two"})));
    assert!(step["at"].as_u64() > Some(1_600_000_000_000));
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let step = &second.body["steps"][0];
    assert_eq!((&step["kind"], &step["by"]), (&json!("insert"), &json!({"user": ada.id})));
    assert_eq!((&step["before"], &step["after"]["a"]), (&json!(null), &json!("one")));
    assert_eq!(second.body["more"], json!(null));
    assert!(!second.body.to_string().contains("d1"), "which device it was is nobody's business");
}

#[tokio::test]
async fn what_is_not_mine_has_a_history_like_what_never_was() {
    spec!("P30", "R17");
    let stage = Stage::new().await;
    let (ada, ben) = (bearer(&stage.signup("ada").await), bearer(&stage.signup("ben").await));
    let mine = r#"{"insert":{"table":"u","key":["k"],"set":{"a":"mine"}}}"#;
    push(&stage, "d1", 1, mine, &[("authorization", &ada)]).await;
    let ask = async |path: &str, token: &str| stage.get(path, &[("authorization", token)]).await;

    assert_eq!(ask("/api/tables/u/rows/k/history", &ada).await.body["steps"][0]["after"]["a"], "mine");
    let of_mine = ask("/api/tables/u/rows/k/history", &ben).await;
    let of_nobody = ask("/api/tables/u/rows/other/history", &ben).await;
    assert_eq!((of_mine.status, &of_mine.body), (200, &of_nobody.body));

    for (path, status, code) in [
        ("/api/tables/nothing/rows/k/history", 400, "unknown_table"),
        ("/api/tables/u/rows/%5B1,2%5D/history", 400, "bad_key"),
        ("/api/tables/u/rows/k/history?limit=many", 400, "wrong_type"),
        ("/api/tables/u/rows/k/history?offset=1", 400, "wrong_type"),
        ("/api/tables/u/rows/k/nothing", 404, "not_found"),
    ] {
        let answer = ask(path, &ada).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{path}");
    }
    let bad = ask("/api/tables/u/rows/k/history", "Bearer made-up").await;
    assert_eq!((bad.status, bad.code()), (401, "unauthenticated"));
}
