//! The emails of an application without a mail server: files, read and taken out one by one.

use std::{fs, path::PathBuf};

use mail_parser::MessageParser;

use crate::until;

/// How long an email may take, seconds.
const PATIENCE: u64 = 30;

/// The folder of emails.
pub struct Mailbox(PathBuf);

/// An email, read whole.
#[derive(Clone, Debug)]
pub struct Email {
    /// Address of the receiver.
    pub to: String,
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl Email {
    /// From a message as it travels.
    pub fn read(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).expect("an email");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("a receiver");
        Self {
            to: to.to_owned(),
            subject: message.subject().expect("a subject").to_owned(),
            text: message.body_text(0).expect("text").into_owned(),
            html: message.body_html(0).expect("HTML").into_owned(),
        }
    }

    /// The token in its link.
    pub fn token(&self) -> String {
        let link = self.text.split_whitespace().find(|word| word.starts_with("http")).expect("a link");
        link.split_once('#').expect("a token in the link").1.to_owned()
    }
}

impl Mailbox {
    pub(crate) fn of(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Waits for an email to an address with a subject, and takes it out.
    pub async fn take(&self, to: &str, subject: &str) -> Email {
        let wanted = |message: &Email| message.to == to && message.subject == subject;
        let lies_there = async || self.emails().iter().any(wanted);
        until(PATIENCE, &format!("an email `{subject}` to {to}"), lies_there).await;
        let found = self.files().into_iter().find(|(_, message)| wanted(message));
        let (path, message) = found.expect("only this test takes emails out");
        fs::remove_file(path).expect("an email is taken out once");
        message
    }

    /// All emails that lie there.
    pub fn emails(&self) -> Vec<Email> {
        self.files().into_iter().map(|(_, message)| message).collect()
    }

    fn files(&self) -> Vec<(PathBuf, Email)> {
        let Ok(folder) = fs::read_dir(&self.0) else { return Vec::new() };
        let paths = folder.map(|entry| entry.expect("a file").path());
        let whole = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
        // another task may take one out between the list and the look
        whole.filter_map(|path| Some((path.clone(), Email::read(&fs::read(path).ok()?)))).collect()
    }
}
