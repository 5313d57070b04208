//! TLS with certificate files: rustls, with certificates that are read again when their files change or on SIGHUP, so
//! that a renewal interrupts nobody.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tenants::{Code, Error, error::Result};
use tokio::signal::unix::{SignalKind, signal};

/// How often the files are checked.
const LOOK: Duration = Duration::from_secs(2);

/// The certificate in use.
#[derive(Debug)]
pub struct Certificates {
    cert: PathBuf,
    key: PathBuf,
    now: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming the file that cannot be used, and the reason.
    pub fn read(cert: &Path, key: &Path) -> Result<Arc<Self>> {
        let now = RwLock::new(Arc::new(certified(cert, key)?));
        Ok(Arc::new(Self { cert: cert.to_owned(), key: key.to_owned(), now }))
    }

    /// The TLS configuration: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// If the library refuses its own defaults.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?;
        Ok(config.with_no_client_auth().with_cert_resolver(Arc::<Self>::clone(self)))
    }

    /// Watches the files until the process ends.
    ///
    /// # Errors
    /// If the signal cannot be received.
    pub fn reload_on_change(self: &Arc<Self>) -> Result<()> {
        let mut hangup = signal(SignalKind::hangup()).map_err(Error::internal)?;
        let certificates = Arc::clone(self);
        tokio::spawn(async move {
            let mut seen = certificates.written();
            loop {
                let hangup_received = tokio::select! {
                    _ = hangup.recv() => true,
                    () = tokio::time::sleep(LOOK) => false,
                };
                let written = certificates.written();
                if hangup_received || written != seen {
                    seen = written;
                    certificates.again();
                }
            }
        });
        Ok(())
    }

    /// When the files were last written.
    fn written(&self) -> [Option<SystemTime>; 2] {
        [&self.cert, &self.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
    }

    fn again(&self) {
        match certified(&self.cert, &self.key) {
            Ok(fresh) => {
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                tracing::info!(file = %self.cert.display(), "the certificate was reloaded");
            }
            // half written, or wrong: the old one stays in use
            Err(error) => tracing::error!(error = error.log_line(), "the new certificate cannot be used"),
        }
    }
}

fn certified(cert: &Path, key: &Path) -> Result<CertifiedKey> {
    let unusable = |path: &Path, reason: &dyn std::fmt::Display| {
        Error::new(Code::BadRequest, format!("The TLS file {} cannot be used: {reason}.", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| unusable(cert, &error))?;
    if chain.is_empty() {
        return Err(unusable(cert, &"it does not contain a certificate in PEM format"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| unusable(key, &error))
}
