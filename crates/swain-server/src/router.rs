//! Every route of the server.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use swain_core::Code;
use swain_store::Store;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::refusal::Refusal;
use crate::{assets, auth, cors, dev, headers, health, metrics, quota, rows, sync};

pub(crate) fn routes<S: Store>(app: Arc<App<S>>) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    let cors = cors::layer(app.origins.listed());
    let api = Router::new()
        .route("/api/auth/signup", post(auth::signup::<S>))
        .route("/api/auth/login", post(auth::login::<S>))
        .route("/api/auth/refresh", post(auth::refresh::<S>))
        .route("/api/auth/logout", post(auth::logout::<S>))
        .route("/api/auth/password", post(auth::password::<S>))
        .route("/api/auth/profile", post(auth::profile::<S>))
        .route("/api/auth/reset", post(auth::reset::<S>))
        .route("/api/auth/verify", post(auth::verify::<S>))
        .route("/api/auth/devices", get(auth::devices::<S>))
        .route("/api/auth/devices/{id}", delete(auth::sign_out::<S>))
        .route("/api/auth/me", get(auth::me::<S>))
        .route("/api/sync/ws", get(sync::upgrade::<S>))
        .route("/api/sync/events", get(sync::events::<S>))
        .route("/api/sync/changes", get(sync::changes::<S>))
        .route("/api/sync/shapes", post(sync::shapes::<S>))
        .route("/api/sync/batch", post(sync::batch::<S>))
        .route("/api/tables/{table}/rows/{key}/history", get(rows::history::<S>))
        .route("/api/dev/reload", get(dev::reloads::<S>))
        .route("/api", get(nothing_here).fallback(nothing_here))
        .route("/api/{*rest}", get(nothing_here).fallback(nothing_here))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), quota::charge_request::<S>));
    let api = match cors {
        Some(cors) => api.layer(cors),
        None => api,
    };
    let routes = Router::new()
        .merge(api)
        .route("/healthz", get(health::alive))
        .route("/metrics", get(metrics::metrics::<S>))
        .route("/readyz", get(health::ready::<S>))
        .route("/swain.js", get(assets::client::<S>))
        .route("/swain-components.js", get(assets::components::<S>))
        .route("/swain-presence.js", get(assets::presence::<S>))
        .route("/swain-devtools.js", get(assets::devtools::<S>))
        .fallback(assets::public::<S>)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), metrics::count_requests::<S>))
        .with_state(app);
    guarded(routes).into_make_service_with_connect_info()
}

/// What holds for every answer, also for that of a route that panics.
fn guarded(routes: Router) -> Router {
    routes.layer(CatchPanicLayer::custom(panicked)).layer(map_response(headers::secure))
}

async fn nothing_here(uri: Uri) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is nothing at {}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let allowed = match uri.path() {
        "/api/sync/shapes" | "/api/sync/batch" => "POST",
        "/api/sync/events" | "/api/sync/changes" => "GET",
        path if path.starts_with("/api/auth/devices/") => "DELETE",
        path if path.starts_with("/api/auth/") && !["/api/auth/me", "/api/auth/devices"].contains(&path) => "POST",
        _ => "GET, HEAD",
    };
    let detail = format!("{} does not take {method}, but {allowed}", uri.path());
    Refusal::new(Code::MethodNotAllowed, detail).allow(allowed)
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.unwrap_or_default(), "a request panicked");
    Refusal::new(Code::Internal, "something is wrong inside the server").into_response()
}

#[cfg(test)]
mod tests {
    use axum::serve;
    use tokio::net::TcpListener;

    use super::*;

    async fn broken() {
        panic!("the reason");
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_problem_that_tells_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let routes = guarded(Router::new().route("/", get(broken)));
        let server = tokio::spawn(async move { serve(listener, routes).await });

        let answer = reqwest::get(url).await.unwrap();

        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let body = answer.text().await.unwrap();
        assert!(body.contains("\"internal\"") && !body.contains("the reason"), "{body}");
        server.abort();
    }
}
