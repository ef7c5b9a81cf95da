//! `[auth.external]`: tokens that somebody else signs.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use swain_server::ExternalTokens;

use super::Place;
use crate::secret;

/// `[auth.external]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalSection {
    /// What the tokens have to say as `iss`.
    issuer: String,
    /// What has to be among what they say as `aud`.
    audience: String,
    /// The secret that both sides know (HS256). Better in a file or in the environment.
    secret: Option<String>,
    /// A file with it.
    secret_file: Option<PathBuf>,
    /// A file with the public keys, as a JSON Web Key Set.
    key_set_file: Option<PathBuf>,
    /// The claim that is the user's id.
    #[serde(default = "sub")]
    id_claim: String,
    /// The claim that rules call `auth.role`.
    #[serde(default = "role")]
    role_claim: String,
}

fn sub() -> String {
    "sub".into()
}

fn role() -> String {
    "role".into()
}

impl ExternalSection {
    pub(super) fn read(&self, place: &Place) -> anyhow::Result<ExternalTokens> {
        let Self { issuer, audience, secret, secret_file, key_set_file, id_claim, role_claim } = self;
        if issuer.is_empty() || audience.is_empty() {
            bail!("[auth.external] issuer and audience are what the tokens have to say; neither may be empty");
        }
        let tokens = match (secret, secret_file, key_set_file) {
            (Some(text), None, None) => {
                ExternalTokens::with_secret(issuer, audience, &secret::read(text, "[auth.external] secret")?)
            }
            (None, Some(path), None) => {
                let path = place.resolve(path);
                let secret = secret::read(&secret::read_file(&path)?, &path.display().to_string())?;
                ExternalTokens::with_secret(issuer, audience, &secret)
            }
            (None, None, Some(path)) => {
                let path = place.resolve(path);
                let name = path.display();
                let set = std::fs::read_to_string(&path).with_context(|| format!("{name} cannot be read"))?;
                let tokens = ExternalTokens::with_key_set(issuer, audience, &set);
                tokens.with_context(|| format!("[auth.external] key_set_file {name}"))?
            }
            _ => bail!("[auth.external] takes one of secret, secret_file and key_set_file"),
        };
        Ok(tokens.with_claims(id_claim, role_claim))
    }
}
