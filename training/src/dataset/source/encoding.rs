//! Finds out how a text file is encoded, in one pass of constant memory that also takes its
//! digest, and reads it as UTF-8. Old Chinese systems export GB18030 (or GBK and GB2312, which are
//! parts of it); anything else is refused by name rather than read as nonsense.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use encoding_rs::{Decoder, DecoderResult, GB18030, GBK};
use fenzhen::registry::Digest;
use sha2::Digest as _;

use crate::dataset::Error;
use crate::dataset::error::unreadable;

const CHUNK_BYTES: usize = 1 << 18;
/// How far behind the first foreign byte the encoding is guessed from.
const GUESS_BYTES: usize = 1 << 22;
/// Fewer bytes outside ASCII do not tell an encoding.
const MIN_TELLING_BYTES: usize = 60;
/// Spreadsheets put it before the first column's name.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// An encoding that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// With or without a byte order mark.
    Utf8,
    /// With GBK and GB2312, its parts.
    Gb18030,
}

/// What a pass over a file tells.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) encoding: Encoding,
    pub(super) sha256: Digest,
}

/// Reads a file once.
pub(super) fn scan(path: &Path) -> Result<Scanned, Error> {
    let mut hasher = sha2::Sha256::new();
    let mut check = Utf8Check::default();
    let mut start = [0; 2];
    for_chunks(path, |at, chunk| {
        if at == 0 && 2 <= chunk.len() {
            start.copy_from_slice(&chunk[..2]);
        }
        hasher.update(chunk);
        check.feed(chunk);
        true
    })?;
    check.finish();
    let refused = |encoding| Err(Error::Encoding { path: path.to_owned(), encoding });
    if start == *b"\xff\xfe" || start == *b"\xfe\xff" {
        return refused("UTF-16");
    }
    if check.has_nul {
        return Err(Error::Kind {
            path: path.to_owned(),
            why: "holds bytes of value zero: it is UTF-16 or no text at all".to_owned(),
            hint: "if it is UTF-16, convert it with `iconv -f UTF-16LE -t UTF-8`".to_owned(),
        });
    }
    let sha256 = super::digest(hasher);
    let Some(foreign) = check.first_foreign else {
        return Ok(Scanned { encoding: Encoding::Utf8, sha256 });
    };
    // Other encodings hardly ever look like UTF-8, so this is UTF-8 with a scratch.
    if 4 * check.n_foreign < check.n_wide_bytes {
        let line = foreign.line;
        return Err(Error::Malformed { path: path.to_owned(), line, encoding: "UTF-8" });
    }
    let guess = guess(path, foreign.at + GUESS_BYTES, check.n_foreign + check.n_wide_bytes)?;
    if guess != GBK && guess != GB18030 {
        return refused(guess.name());
    }
    let mut decoded = open(path, Encoding::Gb18030)?;
    let mut line = 1;
    loop {
        let chunk = match decoded.fill_buf() {
            Ok([]) => return Ok(Scanned { encoding: Encoding::Gb18030, sha256 }),
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::Malformed { path: path.to_owned(), line, encoding: "GB18030" });
            }
            Err(error) => return Err(unreadable(path)(error)),
        };
        line += n_lines(chunk);
        let read = chunk.len();
        decoded.consume(read);
    }
}

/// Opens a file as UTF-8 without a byte order mark.
pub(super) fn open(path: &Path, encoding: Encoding) -> Result<Box<dyn BufRead>, Error> {
    let mut file =
        BufReader::with_capacity(CHUNK_BYTES, File::open(path).map_err(unreadable(path))?);
    match encoding {
        Encoding::Utf8 => {
            if file.fill_buf().map_err(unreadable(path))?.starts_with(UTF8_MARK) {
                file.consume(UTF8_MARK.len());
            }
            Ok(Box::new(file))
        }
        Encoding::Gb18030 => Ok(Box::new(Decoded::new(file))),
    }
}

fn for_chunks(path: &Path, mut each: impl FnMut(usize, &[u8]) -> bool) -> Result<(), Error> {
    let mut file = File::open(path).map_err(unreadable(path))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let n_read = file.read(&mut buffer).map_err(unreadable(path))?;
        if n_read == 0 || !each(at, &buffer[..n_read]) {
            return Ok(());
        }
        at += n_read;
    }
}

fn guess(
    path: &Path,
    end: usize,
    n_foreign: usize,
) -> Result<&'static encoding_rs::Encoding, Error> {
    let mut detector = chardetng::EncodingDetector::new();
    for_chunks(path, |at, chunk| {
        detector.feed(chunk, false);
        at + chunk.len() < end
    })?;
    detector.feed(&[], true);
    // A few characters tell little, and in China they are most likely Chinese.
    let country = (n_foreign < MIN_TELLING_BYTES).then_some(b"cn".as_slice());
    Ok(detector.guess(country, false))
}

/// A file that is decoded while it is read.
struct Decoded {
    file: BufReader<File>,
    gb18030: Decoder,
    buffer: Vec<u8>,
    n_consumed: usize,
    n_ready: usize,
    is_over: bool,
    is_broken: bool,
}

impl Decoded {
    fn new(file: BufReader<File>) -> Self {
        Self {
            file,
            gb18030: GB18030.new_decoder_without_bom_handling(),
            buffer: vec![0; CHUNK_BYTES],
            n_consumed: 0,
            n_ready: 0,
            is_over: false,
            is_broken: false,
        }
    }
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.n_consumed == self.n_ready && !self.is_over {
            // What comes before a malformed byte gets through first: lines are counted up to it.
            if self.is_broken {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "malformed GB18030"));
            }
            let bytes = self.file.fill_buf()?;
            let is_last = bytes.is_empty();
            let (result, n_read, n_written) =
                self.gb18030.decode_to_utf8_without_replacement(bytes, &mut self.buffer, is_last);
            self.file.consume(n_read);
            (self.n_consumed, self.n_ready) = (0, n_written);
            self.is_broken = matches!(result, DecoderResult::Malformed(..));
            self.is_over = is_last && result == DecoderResult::InputEmpty;
        }
        Ok(&self.buffer[self.n_consumed..self.n_ready])
    }

    fn consume(&mut self, n_bytes: usize) {
        self.n_consumed += n_bytes;
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.fill_buf()?.read(buffer)?;
        self.consume(n_read);
        Ok(n_read)
    }
}

struct Foreign {
    at: usize,
    line: usize,
}

/// Whether bytes are UTF-8, told chunk by chunk.
#[derive(Default)]
struct Utf8Check {
    carried: Vec<u8>,
    n_bytes: usize,
    n_lines: usize,
    /// Bytes of characters outside ASCII.
    n_wide_bytes: usize,
    n_foreign: usize,
    first_foreign: Option<Foreign>,
    has_nul: bool,
}

impl Utf8Check {
    fn feed(&mut self, chunk: &[u8]) {
        self.has_nul |= chunk.contains(&0);
        let mut bytes = std::mem::take(&mut self.carried);
        bytes.extend_from_slice(chunk);
        let mut rest = bytes.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => return self.accept(text.as_bytes()),
                Err(error) => {
                    self.accept(&rest[..error.valid_up_to()]);
                    rest = &rest[error.valid_up_to()..];
                    let Some(n_foreign) = error.error_len() else {
                        self.carried = rest.to_vec();
                        return;
                    };
                    self.refuse(n_foreign);
                    rest = &rest[n_foreign..];
                }
            }
        }
    }

    fn finish(&mut self) {
        if !self.carried.is_empty() {
            self.refuse(self.carried.len());
        }
    }

    fn accept(&mut self, bytes: &[u8]) {
        self.n_bytes += bytes.len();
        self.n_wide_bytes += bytes.iter().filter(|byte| !byte.is_ascii()).count();
        if self.first_foreign.is_none() {
            self.n_lines += n_lines(bytes);
        }
    }

    fn refuse(&mut self, n_bytes: usize) {
        let foreign = Foreign { at: self.n_bytes, line: self.n_lines + 1 };
        self.first_foreign.get_or_insert(foreign);
        self.n_bytes += n_bytes;
        self.n_foreign += n_bytes;
    }
}

#[expect(clippy::naive_bytecount, reason = "it is vectorized well enough for one pass over a file")]
fn n_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}
