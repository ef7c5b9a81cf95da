//! `[mail]`: what sends mails about accounts (spec P17).

use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use swain_server::{MailCommand, Mails};

/// `[mail]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSection {
    /// A program that takes a message on its standard input, with its arguments.
    command: Vec<String>,
    /// The address that mails come from.
    from: String,
    /// The page of the application that links in mails open.
    page: String,
    /// Whether nobody signs in whose address is not verified.
    #[serde(default)]
    verify: bool,
}

impl MailSection {
    pub(super) fn mails(&self) -> anyhow::Result<Mails> {
        let Self { command, from, page, verify } = self;
        if command.is_empty() {
            bail!("[mail] command is a program and its arguments, as in [\"sendmail\", \"-t\"]");
        }
        let mailer = MailCommand::new(command, from).with_context(|| {
            format!("[mail] from = \"{from}\" is no address, as in club@example.org or Club <club@example.org>")
        })?;
        if !["https://", "http://"].iter().any(|scheme| page.starts_with(scheme)) || page.contains('#') {
            bail!(
                "[mail] page = \"{page}\" has to be the whole address of a page, without #, as in https://club.example/account"
            );
        }
        Ok(Mails { page: page.clone(), mailer: Arc::new(mailer), must_verify: *verify })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn mails(lines: &str) -> anyhow::Result<Option<swain_server::Mails>> {
        let text = format!("[mail]\n{lines}");
        Config::read(&text, "swain.toml")?.0.mail.as_ref().map(super::MailSection::mails).transpose()
    }

    const GOOD: [&str; 3] =
        ["command = [\"sendmail\", \"-t\"]", "from = \"a@b.example\"", "page = \"https://b.example/in\""];

    #[test]
    fn a_section_is_a_program_a_sender_and_a_page() {
        let mails = mails(&GOOD.join("\n")).unwrap().unwrap();

        assert_eq!((mails.page.as_str(), mails.must_verify), ("https://b.example/in", false));
    }

    #[test]
    fn what_cannot_send_is_said_with_its_place() {
        for (place, wrong, said) in [
            (0, "command = []", "[mail] command"),
            (1, "from = \"nobody\"", "[mail] from"),
            (2, "page = \"/in\"", "[mail] page"),
            (2, "page = \"https://b.example/#in\"", "[mail] page"),
            (2, "", "page"),
        ] {
            let mut lines = GOOD;
            lines[place] = wrong;
            let error = format!("{:#}", mails(&lines.join("\n")).unwrap_err());
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
