//! Configuration: defaults, then a file, then the environment (`CLIENTELE_*`), then flags. `docs/configuration.md`
//! lists every key. With an unknown or bad key the program does not start.

mod endpoints;
mod files;
mod mail;

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize, Serializer};
use tenants::{Code, Error, error::Result, keys::MasterKeys};

pub use endpoints::{Networks, ProxyHeader};

/// The settings. Names are those in the file; environment variables have capitals after `CLIENTELE_`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address and port to serve on.
    pub listen: SocketAddr,
    /// Certificate chain in PEM form; with it, `listen` uses TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key in PEM form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// A second address that redirects plain requests to HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_from: Option<SocketAddr>,
    /// Serve plain HTTP to the network without a proxy.
    pub insecure_http: bool,
    /// Addresses and networks of our proxies; only their headers about a client are trusted.
    pub trusted_proxies: Networks,
    /// The header that the proxies write.
    pub proxy_header: ProxyHeader,
    /// Our own networks in which single sign-on providers may be, besides the internet.
    pub sign_on_networks: Networks,
    /// Folder of all stored data.
    pub data: PathBuf,
    /// PostgreSQL address; without it data is stored in SQLite files under `data`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "without_password")]
    pub database_url: Option<String>,
    /// The bucket of files: `s3://bucket/folder`; without it they are under `data`. Nodes that share a database share one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// The server of the bucket: `https://s3.example.org`; without it Amazon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_endpoint: Option<String>,
    /// The region of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_region: Option<String>,
    /// The access key of the bucket; without it the variables `AWS_*` or the machine's role count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_access_key: Option<String>,
    /// Its secret.
    #[serde(skip_serializing)]
    pub files_secret_key: Option<Hidden>,
    /// Most connections to PostgreSQL, besides the four of the control plane (1 to 500).
    pub database_connections: u32,
    /// Prepared statements cached per PostgreSQL connection (0 to 10 000).
    pub statement_cache: usize,
    /// Most open tenants; on SQLite each holds up to three connections, in PostgreSQL one counts a sixteenth (1 to 10
    /// 000).
    pub open_tenants: usize,
    /// Jobs worked on at the same time (0 to 64); 0 leaves them to other processes.
    pub workers: usize,
    /// Points of GraphQL cost in a caller's full budget (1 000 to 10^12).
    pub graphql_points: u64,
    /// Points by which a caller's budget is refilled every second (1 to 10^12).
    pub graphql_points_per_second: u64,
    /// The mail server: `smtp://user@host:587` (STARTTLS) or `smtps://user@host:465`; without it emails are files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<String>,
    /// The password of its user.
    #[serde(skip_serializing)]
    pub smtp_password: Option<Hidden>,
    /// Certificate file (PEM) of the authority that the server's certificate is checked against, instead of the
    /// system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_ca: Option<PathBuf>,
    /// The sender of emails: `Name <address>`; needed with `smtp_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// The public address of this server, for links in emails; by default that of `listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Log filter, in the notation of `tracing` (`info`, `warn,api=debug`).
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// The master key in 64 hexadecimal digits, followed by older ones; without it they are in `master_key_file`.
    #[serde(skip_serializing)]
    pub master_key: Option<Hidden>,
    /// The file of master keys, newest first; without it `master.key` under `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A secret that never prints itself.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_cert: None,
            tls_key: None,
            redirect_from: None,
            insecure_http: false,
            trusted_proxies: Networks::default(),
            proxy_header: ProxyHeader::default(),
            sign_on_networks: Networks::default(),
            data: PathBuf::from("data"),
            database_url: None,
            files: None,
            files_endpoint: None,
            files_region: None,
            files_access_key: None,
            files_secret_key: None,
            database_connections: 20,
            statement_cache: 1_000,
            open_tenants: 2_000,
            workers: 2,
            graphql_points: 1_000_000,
            graphql_points_per_second: 200_000,
            smtp_url: None,
            smtp_password: None,
            smtp_ca: None,
            mail_from: None,
            public_url: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            master_key: None,
            master_key_file: None,
        }
    }
}

/// Command-line flags that override file and environment.
#[derive(Clone, Debug, Default, Serialize, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "CLIENTELE_CONFIG", hide_env_values = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder of all stored data [env: CLIENTELE_DATA].
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// PostgreSQL address; without it SQLite files under the data folder [env: CLIENTELE_DATABASE_URL].
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Address and port to serve on [env: CLIENTELE_LISTEN].
    #[arg(long, global = true, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming the unknown or bad key, and where it comes from.
    pub fn load(flags: &Flags) -> Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(file) = &flags.config {
            if !file.is_file() {
                return Err(refused(format!("there is no file {}", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed("CLIENTELE_").ignore(&["config", "owner_password"]);
        let config: Config = figment
            .merge(environment)
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| refused(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let within = |key: &str, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(refused(format!("{key} is {value}; it may be {least} to {most}")))
        };
        within("database_connections", self.database_connections as usize, 1, 500)?;
        within("statement_cache", self.statement_cache, 0, 10_000)?;
        within("open_tenants", self.open_tenants, 1, 10_000)?;
        within("workers", self.workers, 0, 64)?;
        let points = |points: u64| usize::try_from(points).unwrap_or(usize::MAX);
        within("graphql_points", points(self.graphql_points), 1_000, 1_000_000_000_000)?;
        within("graphql_points_per_second", points(self.graphql_points_per_second), 1, 1_000_000_000_000)?;
        if let Some(url) = &self.database_url
            && !(url.starts_with("postgres://") || url.starts_with("postgresql://"))
        {
            return Err(refused("database_url must be a postgres:// address; leave it out to use SQLite".to_owned()));
        }
        self.bucket()?;
        self.outbox()?;
        self.public_url()?;
        if self.master_key.is_some() && self.master_key_file.is_some() {
            return Err(refused("master_key and master_key_file are both set; leave one out".to_owned()));
        }
        if let Some(hex) = &self.master_key {
            MasterKeys::from_hex(&hex.0)?;
        }
        self.check_endpoints()?;
        tracing_subscriber::EnvFilter::try_new(&self.log)
            .map_err(|error| refused(format!("log is not a valid filter: {error}")))?;
        Ok(())
    }

    /// The master keys: the configured ones, or those in their file, which is created if it does not exist.
    ///
    /// # Errors
    /// If one is not a valid key, or the file cannot be used.
    pub fn master(&self) -> Result<MasterKeys> {
        match (&self.master_key, &self.master_key_file) {
            (Some(hex), _) => MasterKeys::from_hex(&hex.0),
            (None, Some(file)) => MasterKeys::from_file(file),
            (None, None) => MasterKeys::from_file(&self.data.join("master.key")),
        }
    }
}

/// An address without secrets.
fn without_password<S: Serializer>(url: &Option<String>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let shown = url.as_deref().map(|url| {
        // a query may contain a password too
        let (address, query) = url.split_once('?').map_or((url, ""), |(address, _)| (address, "?…"));
        match address.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (user, host))) => {
                let (user, secret) = user.split_once(':').map_or((user, ""), |(user, _)| (user, ":…"));
                format!("{scheme}://{user}{secret}@{host}{query}")
            }
            None => format!("{address}{query}"),
        }
    });
    shown.serialize(serializer)
}

fn refused(reason: String) -> Error {
    Error::new(Code::BadRequest, format!("The configuration is not valid: {reason}."))
}
