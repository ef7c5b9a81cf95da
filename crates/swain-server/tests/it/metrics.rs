//! The figures that Prometheus reads.

use swain_server::{Secret, Transport};
use swain_store::Store;
use swain_testkit::wait_for;

use crate::http_streams::push;
use crate::socket::insert;
use crate::stage::Stage;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The value of one line of the figures.
async fn figure<S: Store>(stage: &Stage<S>, name: &str) -> Option<f64> {
    let answer = stage.get("/metrics", &[]).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let text = answer.body.as_str().unwrap();
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.and_then(|line| line.rsplit(' ').next()).map(|value| value.parse().unwrap())
}

async fn reaches<S: Store>(stage: &Stage<S>, name: &str, value: f64) {
    wait_for(name, || async { figure(stage, name).await.filter(|found| (found - value).abs() < 0.5) }).await;
}

#[tokio::test]
async fn sessions_writes_and_deliveries_are_counted() {
    let stage = Stage::sqlite().await;
    let mut writer = stage.device(None, "d1").await;
    let reader = stage.device_over(Transport::Sse, None, "d2").await;
    reaches(&stage, "swain_sessions{transport=\"websocket\"}", 1.0).await;
    reaches(&stage, "swain_sessions{transport=\"sse\"}", 1.0).await;

    writer.insert(1, "g1").await;
    writer.push(2, r#"{"op":"insert","table":"t","key":["g2"],"set":{"a":null}}"#).await;
    writer.result().await;

    reaches(&stage, "swain_mutations_total{outcome=\"applied\"}", 1.0).await;
    reaches(&stage, "swain_mutations_total{outcome=\"refused\"}", 1.0).await;
    reaches(&stage, "swain_push_duration_seconds_count", 2.0).await;
    // Both results to the own device, and the row to the other.
    reaches(&stage, "swain_delivery_delay_seconds_count", 3.0).await;
    assert!(figure(&stage, "swain_frames_sent_bytes_total{transport=\"sse\"}").await > Some(100.0));
    let head = stage.engine.store().head().await.unwrap().pos;
    reaches(&stage, "swain_log_head", head.0 as f64).await;

    drop((writer, reader));
    reaches(&stage, "swain_sessions{transport=\"websocket\"}", 0.0).await;
    reaches(&stage, "swain_sessions_opened_total{transport=\"websocket\"}", 1.0).await;
}

#[tokio::test]
async fn writes_by_request_and_answers_by_route_are_counted() {
    let stage = Stage::new().await;
    assert_eq!(push(&stage, "d1", 1, &insert("g", "x"), &[]).await.status, 200);
    stage.get("/no/such/file", &[]).await;

    reaches(&stage, "swain_mutations_total{outcome=\"applied\"}", 1.0).await;
    reaches(&stage, "swain_http_requests_total{route=\"/api/sync/batch\",status=\"200\"}", 1.0).await;
    reaches(&stage, "swain_http_requests_total{route=\"other\",status=\"404\"}", 1.0).await;
}

#[tokio::test]
async fn the_text_is_whole_and_names_nobody() {
    let stage = Stage::new().await;
    let ada = stage.signup("ada").await;
    let mut device = stage.device(Some(&ada.access), "device-of-ada").await;
    device.insert(1, "secret-key").await;

    let answer = stage.get("/metrics", &[]).await;

    let text = answer.body.as_str().unwrap();
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(text.ends_with("# EOF\n") && text.contains("swain_build_info{version="), "{text}");
    for word in ["ada", "device-of-ada", "secret-key", ada.id.as_str()] {
        assert!(!text.contains(word), "{word} is in:\n{text}");
    }
}

#[tokio::test]
async fn only_this_machine_or_the_token_reads_them() {
    let open = Stage::new().await;
    for header in [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")] {
        let answer = open.get("/metrics", &[header]).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{header:?}");
    }

    let guarded = Stage::with(|config| config.metrics_token = Secret::new(TOKEN)).await;
    let right = format!("Bearer {TOKEN}");
    let longer = format!("{right}0");
    for (header, status) in [(None, 401), (Some("Bearer no"), 401), (Some(&*longer), 401), (Some(&*right), 200)] {
        let headers: Vec<_> = header.map(|text| ("authorization", text)).into_iter().collect();
        assert_eq!(guarded.get("/metrics", &headers).await.status, status, "{header:?}");
    }
    let forwarded = [("authorization", &*right), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(guarded.get("/metrics", &forwarded).await.status, 200);
}

#[tokio::test]
async fn the_page_describes_every_figure_and_every_alert() {
    const PAGE: &str = include_str!("../../../../docs/operations/metrics.md");
    const ALERTS: &str = include_str!("../../../../docs/operations/swain-alerts.yml");
    let stage = Stage::new().await;
    let mut device = stage.device(None, "d1").await;
    device.insert(1, "g1").await;

    let text = stage.get("/metrics", &[]).await.body;
    let families = text.as_str().unwrap().lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families: Vec<(&str, &str)> = families.filter_map(|line| line.split_once(' ')).collect();
    assert!(families.len() > 10);
    for (name, kind) in families {
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        assert!(PAGE.contains(&format!("`{name}{suffix}`")), "docs/operations/metrics.md has no row of {name}{suffix}");
    }
    for alert in ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(
            PAGE.contains(&format!("### {alert}\n")),
            "docs/operations/metrics.md does not say what to do on {alert}"
        );
    }
}
