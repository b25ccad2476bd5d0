//! What can go wrong with evidence files. Names of files are personal data and stay out of it.

/// Why a file is not kept or not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file has more bytes than one may have.
    #[error("the file has more than {0} bytes: send a smaller one, or several")]
    TooLarge(u64),
    /// The files of the case have more bytes than they may have.
    #[error("the files of a case have {0} bytes at most")]
    CaseFull(u64),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Its bytes are of no type that is taken.
    #[error(
        "files are images, PDF, audio, video, office documents or plain text, whatever their names say"
    )]
    Type,
    /// A row tells of a file whose bytes are gone.
    #[error("the file is not where it was kept")]
    Lost,
    /// The store of the files failed.
    #[error("the store of evidence files failed")]
    Store(#[source] object_store::Error),
    /// The bucket of the files cannot be used.
    #[error("the bucket of evidence files cannot be used")]
    Bucket(#[source] object_store::Error),
    /// The folder of the files cannot be used.
    #[error("the folder of evidence files cannot be used")]
    Folder(#[source] std::io::Error),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Lost,
            other => Self::Store(other),
        }
    }
}
