//! Which pages may talk to the server (spec P17).

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use swain_core::Code;

use crate::refusal::Refusal;

/// The server's own host, and the origins that the configuration lists.
#[derive(Debug)]
pub(crate) struct Origins {
    listed: Vec<String>,
}

impl Origins {
    pub(crate) fn new(listed: Vec<String>) -> Self {
        let tidy = |origin: String| origin.trim_end_matches('/').to_ascii_lowercase();
        Self { listed: listed.into_iter().map(tidy).collect() }
    }

    /// Those of the configuration.
    pub(crate) fn listed(&self) -> &[String] {
        &self.listed
    }

    /// An `Origin` has to be absent, the own host, or listed: a WebSocket is not held back by the browser's own rules.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match headers.get(ORIGIN) {
            None => Ok(()),
            Some(origin) if self.is_allowed(origin.to_str().unwrap_or_default(), headers) => Ok(()),
            Some(_) => Err(refused()),
        }
    }

    /// The same, and a browser that tells no origin has to say that the request is not another site's.
    pub(crate) fn check_form(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
        match (headers.contains_key(ORIGIN), site) {
            (true, _) => self.check(headers),
            (false, None | Some(b"same-origin" | b"none")) => Ok(()),
            (false, Some(_)) => Err(refused()),
        }
    }

    fn is_allowed(&self, origin: &str, headers: &HeaderMap) -> bool {
        let origin = origin.to_ascii_lowercase();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = origin.split_once("://").map(|(_, host)| host);
        let is_own = own.is_some_and(|own| host.is_some_and(|host| host.eq_ignore_ascii_case(own)));
        is_own || self.listed.contains(&origin)
    }
}

fn refused() -> Refusal {
    Refusal::new(Code::OriginNotAllowed, "pages of this origin may not connect; list it under [server] allowed_origins")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_host_listed_and_absent_origins_pass() {
        let origins = Origins::new(vec!["https://App.example/".into()]);
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "swain.example:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            headers
        };

        let passes = |origin| origins.check(&headers(origin)).is_ok();

        assert!(passes(None));
        assert!(passes(Some("http://swain.example:8080")));
        assert!(passes(Some("https://app.example")));
        assert!(!passes(Some("http://app.example")));
        assert!(!passes(Some("http://swain.example")));
        assert!(!passes(Some("null")));
    }
}
