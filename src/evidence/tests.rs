//! What files may be, and that each is kept once, whole, and only while somebody needs it.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio_stream::StreamExt;
use uuid::Uuid;

use crate::evidence::{Bucket, Error, Limits, MediaType, Place, StoredFile, Vault};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

fn vault(folder: &TempDir) -> Vault {
    let limits = Limits { file_bytes: 6 << 20, case_bytes: 12 << 20 };
    let place = Place::Folder(folder.path().to_owned());
    Vault::open(&place, limits).expect("a folder can be made")
}

async fn keep(vault: &Vault, number: u128, pieces: &[&[u8]]) -> Result<StoredFile, Error> {
    let mut upload = vault.begin(Uuid::from_u128(number)).await?;
    for piece in pieces {
        if let Err(error) = upload.write(piece).await {
            upload.abort().await?;
            return Err(error);
        }
    }
    upload.finish().await
}

async fn read(vault: &Vault, digest: &str) -> Vec<u8> {
    let pieces = vault.read(digest).await.expect("it is there");
    let pieces: Result<Vec<_>, _> = pieces.collect().await;
    pieces.expect("it can be read").concat()
}

fn n_files(folder: &TempDir) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("it is a folder").flatten();
        entries.map(|it| if it.path().is_dir() { count(&it.path()) } else { 1 }).sum()
    }
    count(folder.path())
}

#[test]
fn a_file_is_what_its_bytes_say() {
    let gbk = b"\xb6\xa9\xb5\xa5,\xbd\xf0\xb6\xee\r\n1,399";
    let cases: [(&[u8], Option<&str>); 9] = [
        (PNG, Some("image/png")),
        (b"%PDF-1.7\n", Some("application/pdf")),
        (b"RIFF\x24\0\0\0WAVEfmt ", Some("audio/x-wav")),
        ("订单,金额\n1,399".as_bytes(), Some("text/plain")),
        (gbk, Some("text/plain")),
        (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff", None),
        (b"\x7fELF\x02\x01\x01\0", None),
        (b"<!DOCTYPE html><script>alert(1)</script>", None),
        (b"PK\x03\x04\x14\0\0\0\x08\0archive", None),
    ];
    for (head, expected) in cases {
        assert_eq!(MediaType::of(head).map(MediaType::as_str), expected, "{head:?}");
    }
}

#[tokio::test]
async fn the_same_file_twice_is_one_object_under_its_digest() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let vault = vault(&folder);
    let large = vec![7; 5 << 20];
    let first = keep(&vault, 1, &[PNG, &large]).await.expect("it is an image");
    let again = keep(&vault, 2, &[&PNG[..3], &PNG[3..], &large]).await.expect("it is an image");
    assert_eq!(first, again);
    assert_eq!((first.n_bytes, n_files(&folder)), ((PNG.len() + large.len()) as u64, 1));
    assert!(read(&vault, &first.digest).await == [PNG, &large].concat());
    assert!(matches!(vault.read(&"0".repeat(64)).await.err(), Some(Error::Lost)));
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let vault = vault(&folder);
    let large = vec![b'a'; (6 << 20) + 1];
    assert!(matches!(keep(&vault, 1, &[&large]).await, Err(Error::TooLarge(_))));
    assert!(matches!(keep(&vault, 2, &[b"\x7fELF\x02\x01\x01\0"]).await, Err(Error::Type)));
    assert!(matches!(keep(&vault, 3, &[]).await, Err(Error::Empty)));
    assert_eq!(n_files(&folder), 0);
}

#[tokio::test]
async fn only_old_objects_are_listed_and_a_file_that_comes_again_is_young() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let vault = vault(&folder);
    let file = keep(&vault, 1, &[PNG]).await.expect("it is an image");
    #[expect(clippy::disallowed_methods, reason = "files have the time of the machine")]
    let now = Timestamp::now();
    assert_eq!(vault.list_old(now).await.expect("it can be listed"), []);
    let later = now + SignedDuration::from_hours(25);
    let old = vault.list_old(later).await.expect("it can be listed");
    assert_eq!(old.len(), 1);
    let (location, digest) = &old[0];
    assert_eq!(digest.as_deref(), Some(file.digest.as_str()));
    assert!(!vault.delete_old(location, now).await.expect("it is there"), "it is young");
    assert!(vault.delete_old(location, later).await.expect("it is there"));
    assert!(!vault.delete_old(location, later).await.expect("another was faster"));
    assert_eq!(n_files(&folder), 0);
}

#[tokio::test]
async fn what_others_keep_in_the_same_place_is_not_swept() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let vault = vault(&folder);
    std::fs::write(folder.path().join("notes.txt"), "of the backup").expect("it can be written");
    #[expect(clippy::disallowed_methods, reason = "files have the time of the machine")]
    let later = Timestamp::now() + SignedDuration::from_hours(25);
    assert_eq!(vault.list_old(later).await.expect("it can be listed"), []);
}

#[tokio::test]
async fn the_half_of_a_file_whose_process_died_is_deleted_a_day_later() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let vault = vault(&folder);
    #[expect(clippy::disallowed_methods, reason = "files have the time of the machine")]
    let now = Timestamp::now();
    assert_eq!(vault.delete_halves(now).await.expect("nothing has come in yet"), 0);
    let mut upload = vault.begin(Uuid::from_u128(1)).await.expect("it can begin");
    upload.write(PNG).await.expect("it is small");
    // Who dies forgets to clean up.
    std::mem::forget(upload);
    assert_eq!(n_files(&folder), 1);
    assert_eq!(vault.delete_halves(now).await.expect("it is young"), 0);
    let later = now + SignedDuration::from_hours(25);
    assert_eq!(vault.delete_halves(later).await.expect("it is old"), 1);
    assert_eq!(n_files(&folder), 0);
}

/// The bucket whose store's address stands in `FENZHEN_TEST_S3`; nothing without one.
#[expect(clippy::disallowed_methods, reason = "tests alone read this variable")]
fn bucket() -> Option<Vault> {
    let Ok(endpoint) = std::env::var("FENZHEN_TEST_S3") else {
        // Past the harness, which shows nobody what a test prints that passes.
        let notice =
            "SKIPPED on S3: set FENZHEN_TEST_S3 to a store's address with a bucket `fenzhen`";
        drop(writeln!(io::stderr(), "{notice}"));
        return None;
    };
    let bucket = Bucket {
        name: "fenzhen".to_owned(),
        endpoint: Some(endpoint),
        region: "us-east-1".to_owned(),
        virtual_hosted: false,
        access_key: "fenzhen".to_owned(),
        secret_key: "fenzhen-secret".parse().expect("it is a secret"),
    };
    let limits = Limits { file_bytes: 16 << 20, case_bytes: 32 << 20 };
    Some(Vault::open(&Place::Bucket(bucket), limits).expect("nothing is asked yet"))
}

#[tokio::test]
async fn a_bucket_keeps_a_file_once_and_lets_it_go_when_it_is_old() {
    let Some(vault) = bucket() else { return };
    // More than one part, and the last one small.
    let large = vec![7; (5 << 20) + 77];
    let first = keep(&vault, 1, &[PNG, &large]).await.expect("it is an image");
    let again = keep(&vault, 2, &[&PNG[..3], &PNG[3..], &large]).await.expect("it is an image");
    // The smallest file is less than a part.
    let small = keep(&vault, 3, &[b"%PDF-1.7\n"]).await.expect("it is a document");
    assert_eq!(first, again);
    assert!(read(&vault, &first.digest).await == [PNG, &large].concat());
    assert_eq!(read(&vault, &small.digest).await, b"%PDF-1.7\n");
    assert!(matches!(keep(&vault, 4, &[b"\x7fELF\x02\x01\x01\0"]).await, Err(Error::Type)));
    assert!(matches!(vault.read(&"0".repeat(64)).await.err(), Some(Error::Lost)));
    #[expect(clippy::disallowed_methods, reason = "files have the time of the machine")]
    let now = Timestamp::now();
    assert_eq!(vault.delete_halves(now).await.expect("there is nothing to do"), 0);
    assert_eq!(vault.list_old(now).await.expect("it can be listed"), []);
    let later = now + SignedDuration::from_hours(25);
    let old = vault.list_old(later).await.expect("it can be listed");
    let mut digests: Vec<_> = old.iter().map(|(_, digest)| digest.as_deref()).collect();
    digests.sort_unstable();
    let mut expected = [Some(first.digest.as_str()), Some(small.digest.as_str())];
    expected.sort_unstable();
    assert_eq!(digests, expected, "nothing is left where files come in");
    for (location, _) in &old {
        assert!(!vault.delete_old(location, now).await.expect("it is there"), "it is young");
        assert!(vault.delete_old(location, later).await.expect("it is there"));
    }
    assert_eq!(vault.list_old(later).await.expect("it can be listed"), []);
}
