//! `[limits]`: how much of the server one person may use (spec P16).

use anyhow::anyhow;
use serde::Deserialize;
use swain_server::{Rate, Rates};

/// `[limits]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsSection {
    /// Requests under `/api/auth`.
    auth: Option<String>,
    /// All other requests under `/api`.
    requests: Option<String>,
    /// Mutations, whatever carries them.
    writes: Option<String>,
}

impl LimitsSection {
    pub(super) fn rates(&self) -> anyhow::Result<Rates> {
        let default = Rates::default();
        Ok(Rates {
            auth: read("auth", self.auth.as_deref(), default.auth)?,
            requests: read("requests", self.requests.as_deref(), default.requests)?,
            writes: read("writes", self.writes.as_deref(), default.writes)?,
        })
    }
}

fn read(key: &str, text: Option<&str>, default: Option<Rate>) -> anyhow::Result<Option<Rate>> {
    match text {
        None => Ok(default),
        Some("none") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|error: String| anyhow!("[limits] {key}: {error}; or none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn rates(text: &str) -> anyhow::Result<Rates> {
        Config::read(text, "swain.toml")?.0.limits.rates()
    }

    #[test]
    fn a_limit_is_a_rate_or_none() {
        let rates = rates("[limits]\nauth = \"5/s\"\nwrites = \"none\"").unwrap();

        assert_eq!(rates.auth, Some("5/s".parse().unwrap()));
        assert_eq!(rates.requests, Rates::default().requests);
        assert_eq!(rates.writes, None);
    }

    #[test]
    fn what_is_no_rate_is_said_with_its_place() {
        let error = rates("[limits]\nrequests = \"many\"").unwrap_err().to_string();
        assert!(error.contains("[limits] requests") && error.contains("600/min"), "{error}");
    }
}
