//! Where files are stored: what is configured, opened.

use std::{
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use object_store::{BackoffConfig, ClientOptions, RetryConfig, aws::AmazonS3Builder, prefix::PrefixStore};
use tenants::{
    error::{Code, Error, Result},
    file_store::FileStore,
};
use url::Url;

/// How long one request to a bucket may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a connection to a bucket may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request is repeated that fails.
const REPEATED: Duration = Duration::from_secs(10);
/// How often it is repeated.
const TIMES: usize = 4;

/// A bucket that speaks the S3 protocol.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// `s3://bucket/folder`.
    pub address: String,
    /// The server, such as `https://s3.example.org`; without it Amazon's.
    pub endpoint: Option<String>,
    /// The region; without it that of `AWS_REGION`, or else `us-east-1`.
    pub region: Option<String>,
    /// The access key and its secret; without them what `AWS_*` variables or the machine's role give.
    pub credentials: Option<(String, String)>,
}

/// Opens the store of files: a bucket, or the data folder.
///
/// # Errors
/// `BAD_REQUEST` if the address or the endpoint of the bucket is not one, or the folder cannot be used.
pub fn open(data: &Path, bucket: Option<&Bucket>) -> Result<FileStore> {
    match bucket {
        None => FileStore::folder(data),
        Some(bucket) => bucket.open(),
    }
}

impl Bucket {
    /// The bucket's name and the folder in it.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn place(&self) -> Result<(String, String), String> {
        let refused = || format!("`{}` is not the address of a bucket, such as s3://bucket/folder", self.address);
        let url = Url::parse(&self.address).map_err(|_| refused())?;
        let bucket = url.host_str().filter(|_| url.scheme() == "s3" && url.query().is_none()).ok_or_else(refused)?;
        Ok((bucket.to_owned(), url.path().trim_matches('/').to_owned()))
    }

    fn open(&self) -> Result<FileStore> {
        let (name, folder) = self.place().map_err(|reason| Error::new(Code::BadRequest, format!("{reason}.")))?;
        let address = format!("s3://{name}/{folder}");
        let http = self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let client = ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT).with_allow_http(http);
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() };
        let mut builder = match &self.credentials {
            Some((id, secret)) => AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret),
            None => AmazonS3Builder::from_env(),
        };
        builder = builder.with_bucket_name(name).with_client_options(client).with_retry(RetryConfig {
            backoff,
            max_retries: TIMES,
            retry_timeout: REPEATED,
        });
        // every server that speaks the protocol deletes objects one by one, not every one many at once
        builder = builder.with_disable_bulk_delete(true);
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        // the TLS library's cryptography is chosen once per process; a second call changes nothing
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = builder.build().map_err(|error| {
            Error::new(Code::BadRequest, format!("The bucket {} cannot be used: {error}.", self.address))
        })?;
        Ok(FileStore::shared(Arc::new(PrefixStore::new(store, folder)), &address))
    }
}

/// Deletes what a local store leaves of uploads that were not finished: files whose names end with `#` and a number.
pub(super) fn sweep_unfinished(folder: &Path, older_than: Duration, now: SystemTime) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let about = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            about => about?,
        };
        if about.is_dir() {
            sweep_unfinished(&entry.path(), older_than, now)?;
        } else if is_unfinished(&entry.file_name().to_string_lossy())
            && now.duration_since(about.modified()?).is_ok_and(|age| age > older_than)
        {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_unfinished(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}
