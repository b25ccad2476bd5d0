//! A bucket of an S3-compatible store, in which evidence files lie instead of in a folder.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::aws::{AmazonS3, AmazonS3Builder};

use crate::evidence::Error;

/// How long the store may say nothing. A whole answer may take longer: a large file goes out as
/// fast as its reader takes it.
const SILENCE: Duration = Duration::from_secs(30);

/// Where a bucket is and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The address of the store, such as `https://s3.example.com`; AWS if there is none. With
    /// `virtual_hosted` it is that of the bucket.
    pub endpoint: Option<String>,
    /// The region; stores of one's own take any.
    pub region: String,
    /// Whether the name of the bucket is part of the host's name, as some clouds demand.
    pub virtual_hosted: bool,
    /// Who asks.
    pub access_key: String,
    /// What proves it.
    pub secret_key: SecretKey,
}

/// A secret that prints as dots.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

/// There is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty")]
pub struct NoSecretError;

impl FromStr for SecretKey {
    type Err = NoSecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() { Err(NoSecretError) } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl Bucket {
    /// A client for the bucket; nothing is asked yet.
    pub(super) fn open(&self) -> Result<AmazonS3, Error> {
        // The client wants to know what encrypts, whoever asks first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let plainly = self.endpoint.as_deref().is_some_and(|it| it.starts_with("http://"));
        let options = ClientOptions::new()
            .with_timeout_disabled()
            .with_read_timeout(SILENCE)
            // A store beside the service may speak plainly; whoever writes so means it.
            .with_allow_http(plainly);
        let builder = AmazonS3Builder::new()
            .with_client_options(options)
            // Not every store can delete many at once, and we delete one at a time.
            .with_disable_bulk_delete(true)
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(&self.secret_key.0)
            .with_virtual_hosted_style_request(self.virtual_hosted);
        let builder = match &self.endpoint {
            Some(endpoint) => builder.with_endpoint(endpoint.trim_end_matches('/')),
            None => builder,
        };
        builder.build().map_err(Error::Bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: &str) -> Bucket {
        Bucket {
            name: "evidence".to_owned(),
            endpoint: Some(endpoint.to_owned()),
            region: "us-east-1".to_owned(),
            virtual_hosted: false,
            access_key: "fenzhen".to_owned(),
            secret_key: "hush-hush".parse().expect("it is a secret"),
        }
    }

    #[test]
    fn a_client_is_made_without_asking_and_a_secret_does_not_print() {
        assert!(bucket("https://s3.example.com/").open().is_ok());
        assert!("".parse::<SecretKey>().is_err());
        let printed = format!("{:?}", bucket("https://s3.example.com"));
        assert!(printed.contains("evidence") && !printed.contains("hush"), "{printed}");
    }
}
