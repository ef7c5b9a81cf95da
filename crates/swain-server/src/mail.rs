//! Mails about accounts, and the way that they leave by.

use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::limits::MAIL_MS_MAX;

/// A mail to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address of their account.
    pub to: String,
    /// How they are called. Whatever they wrote there: a text, never a part of a page or a header.
    pub name: String,
    /// What it is about.
    pub about: MailAbout,
    /// The page that they shall open; the token is behind its `#`.
    pub link: String,
}

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailAbout {
    /// A new password.
    Reset,
    /// Whether the address is theirs.
    Verify,
}

impl Mail {
    /// What stands above it.
    pub fn subject(&self) -> &'static str {
        match self.about {
            MailAbout::Reset => "A new password",
            MailAbout::Verify => "Is this your address?",
        }
    }

    /// What it says, as plain text.
    pub fn text(&self) -> String {
        let (asks, otherwise) = match self.about {
            MailAbout::Reset => {
                ("Choose a new password here", "If you did not ask for one, do nothing: the old one stays.")
            }
            MailAbout::Verify => {
                ("Show here that this address is yours", "If you have no account with us, do nothing.")
            }
        };
        // A line end in a name could make a line that looks like ours.
        let name: String = self.name.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        format!("Hello {},\n\n{asks}:\n\n{}\n\n{otherwise}\n", name.trim(), self.link)
    }
}

/// Sends mails. An application that has its own way implements it.
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail over; the reason if that cannot be done.
    fn send(&self, mail: Mail) -> BoxFuture<'static, Result<(), String>>;
}

/// How mails about accounts leave, and where their links lead.
#[derive(Clone)]
pub struct Mails {
    /// The page of the application that takes `#reset=TOKEN` and `#verify=TOKEN`.
    pub page: String,
    /// What sends them.
    pub mailer: Arc<dyn Mailer>,
    /// Whether nobody signs in whose address is not verified.
    pub must_verify: bool,
}

impl fmt::Debug for Mails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { page, must_verify, .. } = self;
        f.debug_struct("Mails").field("page", page).field("must_verify", must_verify).finish_non_exhaustive()
    }
}

/// A program that takes a message on its standard input, as `sendmail -t` does.
#[derive(Clone, Debug)]
pub struct MailCommand {
    program: String,
    arguments: Vec<String>,
    /// A name, if there is one, and the address.
    from: (Option<String>, String),
}

impl MailCommand {
    /// The program with its arguments, and who mails come from: `club@example.org` or `Club <club@example.org>`. None
    /// without a program or an address.
    pub fn new(command: &[String], from: &str) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        let (name, address) = match from.strip_suffix('>').and_then(|from| from.rsplit_once('<')) {
            Some((name, address)) => (Some(name.trim().to_owned()), address.trim()),
            None => (None, from.trim()),
        };
        let is_address =
            address.contains('@') && !address.contains(|char: char| char.is_whitespace() || "<>".contains(char));
        let from = (name, address.to_owned());
        is_address.then(|| Self { program: program.clone(), arguments: arguments.to_vec(), from })
    }

    async fn hand_over(self, message: Vec<u8>) -> Result<(), String> {
        let Self { program, arguments, .. } = &self;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read to the end says why it did not, by its end.
            let _ = stdin.write_all(&message).await;
        }
        let output = child.wait_with_output().await.map_err(|error| format!("{program} got lost: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("{program}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
}

impl Mailer for MailCommand {
    fn send(&self, mail: Mail) -> BoxFuture<'static, Result<(), String>> {
        let message = MessageBuilder::new()
            .from(Address::new_address(self.from.0.as_deref(), self.from.1.as_str()))
            .to(Address::new_address(None::<&str>, mail.to.as_str()))
            .subject(mail.subject())
            .text_body(mail.text())
            .write_to_vec();
        let command = self.clone();
        Box::pin(async move {
            let message = message.map_err(|error| format!("the message cannot be written: {error}"))?;
            let done = timeout(Duration::from_millis(MAIL_MS_MAX), command.hand_over(message)).await;
            done.map_err(|_| format!("it took longer than {MAIL_MS_MAX} ms"))?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(name: &str) -> Mail {
        Mail {
            to: "ada@example.com".into(),
            name: name.into(),
            about: MailAbout::Reset,
            link: "https://club.example/#reset=t".into(),
        }
    }

    #[test]
    fn whatever_a_name_holds_is_text_of_one_line() {
        for name in
            ["<script>alert(1)</script>", "Ada\r\nBcc: eve@example.com\r\n\r\nhttps://evil.example", "'; DROP TABLE t"]
        {
            let text = mail(name).text();
            let first = text.lines().next().unwrap();
            assert!(first.starts_with("Hello ") && first.ends_with(','), "{text}");
            assert_eq!(text.lines().count(), mail("Ada").text().lines().count(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_program_gets_the_message_and_its_failure_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sent");
        let shell =
            |script: String| MailCommand::new(&["sh".into(), "-c".into(), script], "Club <club@example.com>").unwrap();

        shell(format!("cat > '{}'", file.display())).send(mail("Ada\r\nBcc: eve@example.com")).await.unwrap();
        let message = std::fs::read_to_string(&file).unwrap();
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("ada@example.com") && head.contains("club@example.com"), "{head}");
        assert!(!head.contains("eve"), "{head}");
        assert!(body.contains("Hello Ada"), "{body}");

        let error = shell("echo no route >&2; exit 75".into()).send(mail("Ada")).await.unwrap_err();
        assert!(error.contains("no route"), "{error}");
        let sent_by = |from: &str| MailCommand::new(&["true".into()], from).map(|command| command.from);
        assert_eq!(sent_by("Club <c@d.example>"), Some((Some("Club".into()), "c@d.example".into())));
        assert_eq!(sent_by("c@d.example"), Some((None, "c@d.example".into())));
        for wrong in ["", "Club", "Club c@d.example", "Club <c@d.example", "<>"] {
            assert_eq!(sent_by(wrong), None, "{wrong}");
        }
        assert!(MailCommand::new(&[], "club@example.com").is_none());
    }
}
