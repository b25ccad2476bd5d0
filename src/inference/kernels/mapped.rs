//! A file as a slice of bytes that the system reads when they are looked at.

use std::{fs::File, io, ops::Deref};

use memmap2::Mmap;

/// The beginning of a file, mapped.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the first `len` bytes of a file, which nobody may cut off or change meanwhile: the
    /// caller holds its lock or is alone in knowing it. Writing behind them is harmless.
    pub fn new(file: &File, len: usize) -> io::Result<Self> {
        if file.metadata()?.len() < len as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: the bytes are there, and nobody changes them as the caller sees to it.
        unsafe { memmap2::MmapOptions::new().len(len).map(file) }.map(Self)
    }
}

/// Bytes as numbers with a sign.
pub fn signed(bytes: &[u8]) -> &[i8] {
    // SAFETY: the two types have the same size and alignment, and every byte is either.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
