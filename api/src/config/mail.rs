//! Settings of emails: the mail server, the sender, and the address that links lead to.

use ::mail::{Address, Outbox, Smtp};
use tenants::{Code, Error, error::Result};

use super::{Config, refused};

impl Config {
    /// How emails are sent.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming the bad setting.
    pub fn outbox(&self) -> Result<Outbox> {
        let from = self.mail_from.as_deref().map(|from| {
            let reported = || refused(format!("mail_from is not an email address: {from}"));
            Address::parse(from).ok_or_else(reported)
        });
        let Some(url) = &self.smtp_url else {
            if self.smtp_password.is_some() || self.smtp_ca.is_some() {
                return Err(refused("smtp_password and smtp_ca need smtp_url".to_owned()));
            }
            let nobody = || Address::parse("Clientele <clientele@localhost>").ok_or_else(|| Error::of(Code::Internal));
            let from = from.unwrap_or_else(nobody)?;
            return Ok(Outbox::Folder { path: self.data.join("mail"), from });
        };
        let from = from.ok_or_else(|| refused("smtp_url needs mail_from, the sender of emails".to_owned()))??;
        let password = self.smtp_password.as_ref().map(|password| password.0.as_str());
        let server = Smtp::new(url, password, self.smtp_ca.as_deref()).map_err(refused)?;
        Ok(Outbox::Smtp { server, from })
    }

    /// The public address of this server, without a slash at the end.
    ///
    /// # Errors
    /// `BAD_REQUEST` if it is not the address of a web server.
    pub fn public_url(&self) -> Result<String> {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let Some(address) = &self.public_url else { return Ok(format!("{scheme}://{}", self.listen)) };
        let plain = url::Url::parse(address).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none()
        });
        match plain {
            Some(_) => Ok(address.trim_end_matches('/').to_owned()),
            None => {
                Err(refused(format!("public_url is {address}; it must be an address such as https://crm.example.org")))
            }
        }
    }
}
