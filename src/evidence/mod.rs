//! Evidence files 证据: what they may be, and where their bytes lie. Files are kept under the
//! SHA-256 of what they hold, so that the same file twice is one object, and no name of a sender
//! ever becomes a path. Which case a file belongs to is the store's business.

mod bucket;
mod error;
mod media;
#[cfg(test)]
mod tests;
mod vault;

pub use bucket::{Bucket, NoSecretError, SecretKey};
pub use error::Error;
pub use media::MediaType;
pub use vault::{Limits, Place, StoredFile, Upload, Vault};
