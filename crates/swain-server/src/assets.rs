//! Files: the client library, and what the application serves.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use mime_guess::Mime;
use rust_embed::RustEmbed;
use swain_core::Code;

use crate::app::App;
use crate::config::Devtools;
use crate::entity_tag::{entity_tag, is_known};
use crate::gzip;
use crate::limits::{ASSET_BYTES_MAX, COMPRESS_BYTES_MIN};
use crate::refusal::Refusal;

/// What a server serves outside `/api`.
#[derive(Clone, Debug, Default)]
pub enum Assets {
    /// Nothing but the client library.
    #[default]
    None,
    /// The files of a folder.
    Folder(PathBuf),
    /// Files inside the program: from a path to its content.
    Embedded(fn(&str) -> Option<Cow<'static, [u8]>>),
}

#[derive(RustEmbed)]
#[folder = "../../packages/swain/dist/"]
#[allow_missing = true]
struct Dist;

/// `GET /swain.js`.
pub(crate) async fn client<S>(State(app): State<Arc<App<S>>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = Dist::get("swain.js").ok_or_else(|| missing("/swain.js"))?;
    Ok(answer("swain.js", file.data, &headers, app.compression).await)
}

/// `GET /swain-components.js`: elements for a page.
pub(crate) async fn components<S>(State(app): State<Arc<App<S>>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = Dist::get("swain-components.js").ok_or_else(|| missing("/swain-components.js"))?;
    Ok(answer("swain-components.js", file.data, &headers, app.compression).await)
}

/// `GET /swain-presence.js`: rooms for a page.
pub(crate) async fn presence<S>(State(app): State<Arc<App<S>>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = Dist::get("swain-presence.js").ok_or_else(|| missing("/swain-presence.js"))?;
    Ok(answer("swain-presence.js", file.data, &headers, app.compression).await)
}

/// `GET /swain-devtools.js`: the developer's panel, for developers.
pub(crate) async fn devtools<S>(State(app): State<Arc<App<S>>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = match app.devtools {
        Devtools::On => Dist::get("swain-devtools.js"),
        Devtools::Off => None,
    };
    let file = file.ok_or_else(|| missing("/swain-devtools.js"))?;
    Ok(answer("swain-devtools.js", file.data, &headers, app.compression).await)
}

/// Every other address.
pub(crate) async fn public<S>(
    State(app): State<Arc<App<S>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path = uri.path();
    let name = match path {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let content = match is_plain(name) {
        true => app.public.read(name.to_owned()).await,
        false => None,
    };
    let content = content.ok_or_else(|| missing(path))?;
    if method != Method::GET && method != Method::HEAD {
        let detail = format!("{path} does not take {method}, but GET, HEAD");
        return Err(Refusal::new(Code::MethodNotAllowed, detail).allow("GET, HEAD"));
    }
    let content = match app.devtools == Devtools::On && is_page(name) {
        true => Cow::Owned(with_devtools(&content)),
        false => content,
    };
    Ok(answer(name, content, &headers, app.compression).await)
}

impl Assets {
    async fn read(&self, name: String) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::None => None,
            Self::Embedded(get) => get(&name),
            Self::Folder(folder) => {
                let folder = folder.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&folder, &name));
                read.await.ok().flatten().map(Cow::Owned)
            }
        }
    }
}

/// Names without escapes, hidden files and ways out.
fn is_plain(name: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    !name.contains(['%', '\\', ':']) && name.split('/').all(is_plain)
}

fn is_page(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("html"))
}

/// The panel is a script of the server itself, so the page's policy allows it. Behind everything else, where a
/// browser takes it whatever the page looks like.
fn with_devtools(page: &[u8]) -> Vec<u8> {
    [page, b"\n<script type=\"module\" src=\"/swain-devtools.js\"></script>\n"].concat()
}

/// A file that really is inside the folder, whatever links say.
fn read_file(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let folder = folder.canonicalize().ok()?;
    let path = folder.join(name).canonicalize().ok()?;
    let about = path.metadata().ok()?;
    let may = path.starts_with(&folder) && about.is_file() && about.len() <= ASSET_BYTES_MAX;
    may.then(|| std::fs::read(&path).ok()).flatten()
}

async fn answer(name: &str, content: Cow<'static, [u8]>, asked: &HeaderMap, compression: bool) -> Response {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let is_worth = content.len() > COMPRESS_BYTES_MIN && shrinks(&kind);
    let is_packed = compression && is_worth && gzip::is_accepted(asked);
    // Another coding is another representation.
    let tag = entity_tag(&content);
    let tag = if is_packed { format!("{}-gzip\"", tag.trim_end_matches('"')) } else { tag };
    let kind = match kind.type_() == mime_guess::mime::TEXT {
        true => format!("{kind}; charset=utf-8"),
        false => kind.to_string(),
    };
    let known = is_known(asked, &tag);
    let headers =
        [(ETAG, tag), (CACHE_CONTROL, "no-cache".into()), (CONTENT_TYPE, kind), (VARY, "accept-encoding".into())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if is_packed {
        let packed = tokio::task::spawn_blocking(move || gzip::compress(&content)).await;
        let packed = packed.expect("compressing does not panic");
        return (headers, [(CONTENT_ENCODING, "gzip")], packed).into_response();
    }
    let body = match content {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    (headers, body).into_response()
}

/// Pictures, sounds and fonts are compressed already.
fn shrinks(kind: &Mime) -> bool {
    let kind = kind.essence_str();
    let is_text = kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml");
    is_text || matches!(kind, "application/javascript" | "application/wasm")
}

fn missing(path: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is nothing at {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_ways_out_are_not_plain() {
        for name in ["../secret", "a/../../b", ".git/config", "a//b", "%2e%2e/x", "a\\b", "c:d", ""] {
            assert!(!is_plain(name), "{name}");
        }
        for name in ["index.html", "a/b.js", "pictures/boat 1.png"] {
            assert!(is_plain(name), "{name}");
        }
    }
}
