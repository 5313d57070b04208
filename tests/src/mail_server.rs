//! A real mail server on loopback (`tests/protocol/smtp.mjs`), and what it received.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use mail_parser::decoders::base64::base64_decode;
use serde_json::Value;

use crate::{Email, workspace};

/// The one user that the server knows.
pub const USER: &str = "ada";
/// Its password.
pub const PASSWORD: &str = "smtp-passphrase";

/// A mail server of its own, ended with the test.
pub struct MailServer {
    process: Child,
    starttls: u64,
    tls: u64,
    certificate: PathBuf,
    received: Arc<Mutex<Vec<Received>>>,
}

/// An email as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub message: Email,
    /// The message as it travelled.
    pub raw: String,
    /// Encrypted from the first byte.
    pub implicit: bool,
    /// Encrypted when the email came.
    pub encrypted: bool,
    /// Who handed it over.
    pub user: String,
    pub from: String,
}

impl MailServer {
    /// Starts one with a fresh certificate for `localhost`, kept in a folder.
    pub fn start(folder: &Path) -> Self {
        let program = workspace::file("tests/protocol");
        assert!(program.join("node_modules/smtp-server").is_dir(), "`make protocol` installs the mail server");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (folder.join("smtp-cert.pem"), folder.join("smtp-key.pem"));
        std::fs::write(&certificate, made.cert.pem()).expect("a certificate file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a key file");
        let mut node = Command::new("node");
        node.arg("smtp.mjs").current_dir(program).stdin(Stdio::null()).stdout(Stdio::piped());
        node.env("SMTP_KEY", &key).env("SMTP_CERT", &certificate).env("SMTP_USER", USER).env("SMTP_PASSWORD", PASSWORD);
        let mut process = node.spawn().expect("node is installed");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let first = lines.next().expect("the server says where it listens").expect("UTF-8");
        let ports: Value = serde_json::from_str(&first).expect("JSON");
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let fact: Value = serde_json::from_str(&line).expect("JSON");
                kept.lock().expect("one thread writes").push(Received::of(&fact));
            }
        });
        let port = |name: &str| ports[name].as_u64().expect("a port");
        Self { starttls: port("starttls"), tls: port("tls"), process, certificate, received }
    }

    /// Address for emails, encrypted by STARTTLS.
    pub fn starttls(&self) -> String {
        format!("smtp://{USER}@localhost:{}", self.starttls)
    }

    /// Address for emails, encrypted from the first byte.
    pub fn tls(&self) -> String {
        format!("smtps://{USER}@localhost:{}", self.tls)
    }

    /// The certificate, which is its own authority.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// What came in so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("the other thread does not panic").clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Received {
    fn of(fact: &Value) -> Self {
        let text = |name: &str| fact[name].as_str().unwrap_or_default().to_owned();
        let raw = base64_decode(text("received").as_bytes()).expect("base64");
        Self {
            message: Email::read(&raw),
            raw: String::from_utf8(raw).expect("emails are ASCII on their way"),
            implicit: fact["secure"] == true,
            encrypted: fact["encrypted"] == true,
            user: text("user"),
            from: text("from"),
        }
    }
}
