//! Settings of files: the bucket that they are stored in.

use ::files::Bucket;
use tenants::error::Result;
use url::Url;

use super::{Config, refused};

impl Config {
    /// The bucket of files; `None` where they are in the data folder.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming the bad setting.
    pub fn bucket(&self) -> Result<Option<Bucket>> {
        let Some(address) = self.files.clone() else {
            let more = [&self.files_endpoint, &self.files_region, &self.files_access_key];
            if more.iter().any(|setting| setting.is_some()) || self.files_secret_key.is_some() {
                let missing = "files_endpoint, files_region, files_access_key and files_secret_key need files";
                return Err(refused(format!("{missing}, the address of the bucket")));
            }
            return Ok(None);
        };
        let credentials = match (&self.files_access_key, &self.files_secret_key) {
            (Some(key), Some(secret)) => Some((key.clone(), secret.0.clone())),
            (None, None) => None,
            _ => return Err(refused("files_access_key and files_secret_key must be set together".to_owned())),
        };
        if let Some(endpoint) = &self.files_endpoint
            && !Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            let example = "it must be an address such as https://s3.example.org";
            return Err(refused(format!("files_endpoint is {endpoint}; {example}")));
        }
        let (endpoint, region) = (self.files_endpoint.clone(), self.files_region.clone());
        let bucket = Bucket { address, endpoint, region, credentials };
        bucket.place().map_err(|reason| refused(format!("files: {reason}")))?;
        Ok(Some(bucket))
    }
}
