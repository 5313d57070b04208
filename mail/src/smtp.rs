//! The connection to a mail server. It is always encrypted: from its first byte (`smtps`, RFC 8314), or by STARTTLS
//! before anything else is sent (`smtp`, RFC 3207).

use std::{path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use url::Url;
use zeroize::Zeroizing;

/// How long the server may take for one answer.
const ANSWER: Duration = Duration::from_secs(20);

/// The server's address and our credentials.
#[derive(Clone)]
pub struct Smtp {
    host: String,
    port: u16,
    /// Encrypted from the first byte.
    implicit: bool,
    user: Option<String>,
    password: Option<Zeroizing<String>>,
    authority: Option<Certificate>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

impl Smtp {
    /// A server by its address (`smtp://user@host:587` or `smtps://user@host:465`), the user's password, and the file
    /// of a certificate authority to trust instead of the system's.
    ///
    /// # Errors
    /// A sentence that explains what is wrong.
    pub fn new(address: &str, password: Option<&str>, authority: Option<&Path>) -> Result<Self, String> {
        let url = Url::parse(address).map_err(|error| format!("smtp_url is not a valid address: {error}"))?;
        let (implicit, port) = match url.scheme() {
            "smtp" => (false, 587),
            "smtps" => (true, 465),
            other => return Err(format!("smtp_url begins with {other}://; use smtp:// (STARTTLS) or smtps://")),
        };
        if url.password().is_some() {
            return Err("smtp_url contains a password; put it into smtp_password, which is never shown".to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("smtp_url names no host")?.to_owned();
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("smtp_url has something after the port; write smtp://user@host:port".to_owned());
        }
        let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        if user.is_some() != password.is_some() {
            return Err("set a user in smtp_url and smtp_password together, or neither".to_owned());
        }
        let authority = authority.map(certificate).transpose()?;
        let password = password.map(|password| Zeroizing::new(password.to_owned()));
        Ok(Self { host, port: url.port().unwrap_or(port), implicit, user, password, authority })
    }

    /// Host and port, for people.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        // the brackets of an IP address belong to the URL alone
        let host = self.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(authority) = &self.authority {
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authority.clone());
        }
        let tls = tls.build_rustls().map_err(|_| "an encrypted connection cannot be set up".to_owned())?;
        let tls = if self.implicit { Tls::Wrapper(tls) } else { Tls::Required(tls) };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(self.port)
            .tls(tls)
            .timeout(Some(ANSWER));
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
        }
        Ok(builder.build())
    }
}

fn certificate(path: &Path) -> Result<Certificate, String> {
    let text = std::fs::read(path).map_err(|error| format!("smtp_ca {} cannot be read: {error}", path.display()))?;
    let nothing = || format!("smtp_ca {} does not contain a certificate in PEM format", path.display());
    if !text.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
        return Err(nothing());
    }
    Certificate::from_pem(&text).map_err(|_| nothing())
}

/// Decodes percent signs.
fn decoded(user: &str) -> Result<String, String> {
    let pairs = format!("user={}", user.replace('+', "%2B"));
    let found = url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, value)| value.into_owned());
    found
        .filter(|user| !user.chars().any(char::is_control))
        .ok_or_else(|| "the user in smtp_url is not valid".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_how_the_connection_is_encrypted() {
        let server = Smtp::new("smtps://ada%40example.org@mail.example.org", Some("secret"), None).unwrap();
        assert_eq!((server.place().as_str(), server.implicit), ("mail.example.org:465", true));
        assert_eq!(server.user.as_deref(), Some("ada@example.org"));
        assert!(!format!("{server:?}").contains("secret"));
        let server = Smtp::new("smtp://mail.example.org:2525", None, None).unwrap();
        assert_eq!((server.place().as_str(), server.implicit), ("mail.example.org:2525", false));
        server.transport().unwrap();
    }

    #[test]
    fn bad_settings_say_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let junk = folder.path().join("ca.pem");
        std::fs::write(&junk, "no certificate").unwrap();
        let missing = folder.path().join("missing.pem");
        for (address, password, authority, reported) in [
            ("mail.example.org", None, None, "not a valid address"),
            ("http://mail.example.org", None, None, "smtp:// (STARTTLS)"),
            ("smtp://ada:secret@mail.example.org", None, None, "smtp_password"),
            ("smtp://ada@mail.example.org", None, None, "or neither"),
            ("smtp://mail.example.org", Some("secret"), None, "or neither"),
            ("smtp://mail.example.org/path", None, None, "after the port"),
            ("smtp://", None, None, "smtp_url"),
            ("smtp://mail.example.org", None, Some(&junk), "does not contain a certificate"),
            ("smtp://mail.example.org", None, Some(&missing), "cannot be read"),
        ] {
            let refused = Smtp::new(address, password, authority.map(|path| path.as_path())).unwrap_err();
            assert!(refused.contains(reported) && !refused.contains("secret"), "{address}: {refused}");
        }
    }
}
