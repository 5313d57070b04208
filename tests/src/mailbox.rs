//! The letters of an application without a mail server: files, read and taken out one by one.

use std::{fs, path::PathBuf};

use mail_parser::MessageParser;

use crate::until;

/// How long a letter may take, seconds.
const PATIENCE: u64 = 30;

/// The folder of letters.
pub struct Mailbox(PathBuf);

/// A letter, read whole.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Address of the receiver.
    pub to: String,
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl Letter {
    /// From a message as it travels.
    pub fn read(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).expect("a letter");
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

    /// Waits for a letter to an address with a subject, and takes it out.
    pub async fn take(&self, to: &str, subject: &str) -> Letter {
        let wanted = |letter: &Letter| letter.to == to && letter.subject == subject;
        let lies_there = async || self.letters().iter().any(wanted);
        until(PATIENCE, &format!("a letter `{subject}` to {to}"), lies_there).await;
        let found = self.files().into_iter().find(|(_, letter)| wanted(letter));
        let (path, letter) = found.expect("only this test takes letters out");
        fs::remove_file(path).expect("a letter is taken out once");
        letter
    }

    /// All letters that lie there.
    pub fn letters(&self) -> Vec<Letter> {
        self.files().into_iter().map(|(_, letter)| letter).collect()
    }

    fn files(&self) -> Vec<(PathBuf, Letter)> {
        let Ok(folder) = fs::read_dir(&self.0) else { return Vec::new() };
        let paths = folder.map(|entry| entry.expect("a file").path());
        let whole = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
        // another task may take one out between the list and the look
        whole.filter_map(|path| Some((path.clone(), Letter::read(&fs::read(path).ok()?)))).collect()
    }
}
