//! How emails are sent: through a mail server, or as files in a folder for the operator.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{
    AsyncTransport, Message,
    message::{Mailbox, MultiPart, header},
};

use crate::{Draft, Smtp};

/// How long sending one email may take, from the connection to the last answer.
const WHOLE: Duration = Duration::from_secs(60);

/// An address with or without a name: `Clientele <no-reply@example.org>`.
#[derive(Clone, Debug)]
pub struct Address(Mailbox);

impl Address {
    /// Parses an address; `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }

    fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// Why an email was not sent. It names no person, although the answers of servers often do.
#[derive(Debug, thiserror::Error)]
pub enum Sending {
    /// It can be sent later.
    #[error("the email has to wait: {0}")]
    Later(String),
    /// It cannot be sent: the server refuses it for good, or the address is invalid.
    #[error("the email cannot be sent: {0}")]
    Never(String),
}

/// The way emails are sent.
#[derive(Clone, Debug)]
pub enum Outbox {
    /// Through a mail server.
    Smtp { server: Smtp, from: Address },
    /// Into a folder, one file each.
    Folder { path: PathBuf, from: Address },
}

impl Outbox {
    /// Sends an email. `id` identifies it for ever, so that receivers recognise a repetition.
    ///
    /// # Errors
    /// [`Sending`], which says whether to try again.
    pub async fn send(&self, id: &str, to: &str, draft: &Draft) -> Result<(), Sending> {
        let (Self::Smtp { from, .. } | Self::Folder { from, .. }) = self;
        let to = Address::parse(to).ok_or_else(|| Sending::Never("the address is not valid".to_owned()))?;
        let message = compose(id, from, to, draft)?;
        match self {
            Self::Smtp { server, .. } => deliver(server, message).await,
            Self::Folder { path, .. } => {
                let (path, name) = (path.clone(), format!("{id}.eml"));
                let written = tokio::task::spawn_blocking(move || file(&path, &name, &message.formatted())).await;
                let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
                written.map_err(|error| Sending::Later(format!("the folder of emails: {error}")))
            }
        }
    }
}

fn compose(id: &str, from: &Address, to: Address, draft: &Draft) -> Result<Message, Sending> {
    Message::builder()
        .from(from.0.clone())
        .to(to.0)
        .subject(draft.subject.clone())
        .message_id(Some(format!("<{id}@{}>", from.domain())))
        .date_now()
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(draft.plain(), draft.html()))
        .map_err(|error| Sending::Never(error.to_string()))
}

async fn deliver(server: &Smtp, message: Message) -> Result<(), Sending> {
    let transport = server.transport().map_err(Sending::Later)?;
    let Ok(sent) = tokio::time::timeout(WHOLE, transport.send(message)).await else {
        return Err(Sending::Later("the mail server is too slow".to_owned()));
    };
    sent.map(|_| ()).map_err(|error| {
        // the server's text may contain the address; its number is enough
        let reported = match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None if error.is_tls() || distrusted(&error) => {
                "the mail server's certificate or encryption is not accepted".to_owned()
            }
            None if error.is_timeout() => "the mail server is too slow".to_owned(),
            None => "the mail server cannot be reached, or its answer is not valid".to_owned(),
        };
        // 530 to 538 are about our credentials (RFC 4954): the operator must correct that
        let ours = error.status().is_some_and(|code| (530..=538).contains(&u16::from(code)));
        if error.is_permanent() && !ours { Sending::Never(reported) } else { Sending::Later(reported) }
    })
}

/// Whether a TLS handshake failed: rustls reports it inside an IO error of invalid data.
fn distrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) || error.source().is_some_and(distrusted)
}

/// Writes the file as a whole or not at all, readable by the operator alone.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = folder.join(format!(".{name}.part"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, folder.join(name))
}

/// No automatic replies (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::Language;

    #[tokio::test]
    async fn a_letter_without_a_server_is_a_file_for_the_operator_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        let from = Address::parse("Clientele <no-reply@example.org>").unwrap();
        let outbox = Outbox::Folder { path: path.clone(), from };
        let draft = Draft::new(Language::French, "Confirmez votre adresse").line("Déjà vu ?");
        outbox.send("0190", "Ada <ada@example.com>", &draft).await.unwrap();
        let file = path.join("0190.eml");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(file).unwrap();
        for part in ["Message-ID: <0190@example.org>", "ada@example.com", "text/plain", "text/html", "Auto-Submitted"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        outbox.send("0190", "ada@example.com", &draft).await.unwrap();
        assert_eq!(fs::read_dir(path).unwrap().count(), 1, "a repetition is the same email");
        assert!(matches!(outbox.send("0191", "not an address", &draft).await, Err(Sending::Never(_))));
    }
}
