//! `SWAIN_SECTION_KEY` in the environment overrides `[section] key` in the file.

use anyhow::{Context as _, bail};

use super::Config;

impl Config {
    pub(super) fn with_environment(
        mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        for (name, value) in variables {
            self.set(&name, value).with_context(|| format!("the environment's {name} is not right"))?;
        }
        Ok(self)
    }

    fn set(&mut self, name: &str, value: String) -> anyhow::Result<()> {
        match name {
            "SWAIN_SERVER_LISTEN" => self.server.listen = value.parse()?,
            "SWAIN_SERVER_PUBLIC" => self.server.public = value.into(),
            "SWAIN_SERVER_ALLOWED_ORIGINS" => {
                let origins = value.split(',').map(|origin| origin.trim().to_owned());
                self.server.allowed_origins = origins.filter(|origin| !origin.is_empty()).collect();
            }
            "SWAIN_SERVER_HEARTBEAT_MS" => self.server.heartbeat_ms = value.parse()?,
            "SWAIN_DATABASE_PATH" => self.database.path = value.into(),
            "SWAIN_AUTH_JWT_SECRET" => {
                self.auth.jwt_secret = Some(value);
                self.auth.jwt_secret_file = None;
            }
            "SWAIN_AUTH_JWT_SECRET_FILE" => {
                self.auth.jwt_secret_file = Some(value.into());
                self.auth.jwt_secret = None;
            }
            "SWAIN_AUTH_SIGN_UP" => self.auth.sign_up = value.parse()?,
            other if is_ours(other) => bail!("there is no such setting"),
            _ => {}
        }
        Ok(())
    }
}

fn is_ours(name: &str) -> bool {
    ["SWAIN_SERVER_", "SWAIN_DATABASE_", "SWAIN_AUTH_", "SWAIN_TABLES_"].iter().any(|section| name.starts_with(section))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> anyhow::Result<Config> {
        let variables = [(name.to_owned(), value.to_owned())];
        Config::default().with_environment(variables.into_iter())
    }

    #[test]
    fn variables_override_and_unknown_ones_are_errors() {
        let listen = with("SWAIN_SERVER_LISTEN", "0.0.0.0:9").unwrap().server.listen;
        assert_eq!(listen.port(), 9);
        assert!(!with("SWAIN_AUTH_SIGN_UP", "false").unwrap().auth.sign_up);

        assert!(with("SWAIN_SERVER_LISTEN", "nowhere").is_err());
        assert!(with("SWAIN_SERVER_LISTNE", "0.0.0.0:9").is_err());
        assert!(with("SWAIN_SPEC_LOG", "x").is_ok());
    }
}
