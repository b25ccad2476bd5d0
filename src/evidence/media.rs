//! What a file is, told from its first bytes; what its name or its sender says does not count.

use infer::MatcherType;

/// A type that evidence may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType(&'static str);

/// Documents among the types that `infer` knows; of archives and programs none.
const DOCUMENTS: [&str; 10] = [
    "application/pdf",
    "application/rtf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
];
const SLIDES: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

impl MediaType {
    /// How many bytes it takes to tell.
    pub(super) const HEAD_BYTES: usize = 8 << 10;

    /// The type of a file that begins so; nothing when it is none that is taken.
    pub fn of(head: &[u8]) -> Option<Self> {
        match infer::get(head) {
            Some(kind) => match kind.matcher_type() {
                MatcherType::Image | MatcherType::Audio | MatcherType::Video => {
                    Some(Self(kind.mime_type()))
                }
                _ => {
                    let known = |it: &&str| *it == kind.mime_type();
                    DOCUMENTS.into_iter().chain([SLIDES]).find(|it| known(it)).map(Self)
                }
            },
            None if is_text(head) => Some(Self("text/plain")),
            None => None,
        }
    }

    /// The name in data, the API and HTTP.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// Whether no byte is one that no text has, be it in UTF-8 or GB 18030.
fn is_text(head: &[u8]) -> bool {
    !head.is_empty() && !head.iter().any(|&byte| byte < b' ' && !b"\t\n\r\x0c".contains(&byte))
}
