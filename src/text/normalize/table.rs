//! What each character folds into, looked up in one dense table that is built once.

use std::{ops::RangeInclusive, sync::LazyLock};

use unicode_normalization::{
    IsNormalized, UnicodeNormalization,
    char::{canonical_combining_class, decompose_compatible},
    is_nfkc_quick,
};

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It becomes one character.
    One(char),
    /// It disappears.
    Drop,
    /// It becomes several characters, or may join the one before it.
    Several,
}

/// U+FFFE and U+FFFF are no characters and disappear, so their codes are free to mark entries.
const SEVERAL: u16 = 0xFFFE;
const DROP: u16 = 0xFFFF;

static TABLE: LazyLock<Box<[u16]>> = LazyLock::new(|| (0..=u16::MAX).map(code_of).collect());

/// What becomes of a character, when the one after it does not join it.
pub(super) fn lookup(c: char) -> Entry {
    match c {
        '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0000}'..='\u{E0FFF}' => Entry::Drop,
        // Emoji and Han outside the basic plane fold into themselves.
        '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..='\u{2EBEF}' => Entry::One(c),
        '\u{10000}'.. => Entry::Several,
        _ => match TABLE[c as usize] {
            SEVERAL => Entry::Several,
            DROP => Entry::Drop,
            code => char::from_u32(u32::from(code)).map_or(Entry::Drop, Entry::One),
        },
    }
}

/// Whether a character may join the one before it: combining marks, voicing marks of kana,
/// vowels and final consonants of Hangul.
pub(super) fn is_continuation(c: char) -> bool {
    let mut first = None;
    decompose_compatible(c, |d| {
        first.get_or_insert(d);
    });
    let first = first.unwrap_or(c);
    canonical_combining_class(first) != 0
        || is_nfkc_quick(std::iter::once(first)) == IsNormalized::Maybe
}

/// Folds the characters of a cluster, the slow and general way.
pub(super) fn fold_cluster(cluster: &str) -> Vec<char> {
    let lower = cluster.chars().filter(|&c| !is_ignorable(c)).nfkc().flat_map(char::to_lowercase);
    // What is left over after composing is decoration; without it, more may compose.
    let composed = lower.nfkc().filter(|&c| canonical_combining_class(c) == 0).nfkc();
    composed.filter(|&c| !is_ignorable(c)).map(unify).collect()
}

/// Whether a character is Han.
pub(in crate::text) fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{323AF}')
}

fn code_of(code: u16) -> u16 {
    let Some(c) = char::from_u32(u32::from(code)) else { return DROP };
    if is_ignorable(c) {
        return DROP;
    }
    if c.is_ascii() {
        return unify(c.to_ascii_lowercase()) as u16;
    }
    if matches!(c, '…' | '⋯') {
        return '…' as u16;
    }
    if is_continuation(c) {
        return SEVERAL;
    }
    let mut buffer = [0; 4];
    match fold_cluster(c.encode_utf8(&mut buffer))[..] {
        [folded] if (folded as u32) < u32::from(SEVERAL) => folded as u16,
        [] => DROP,
        _ => SEVERAL,
    }
}

/// Characters without a meaning of their own, beside controls: zero-width marks, fillers,
/// variation selectors, enclosing marks, skin tones, tags.
const IGNORABLE: [RangeInclusive<char>; 15] = [
    '\u{AD}'..='\u{AD}',
    '\u{34F}'..='\u{34F}',
    '\u{61C}'..='\u{61C}',
    '\u{115F}'..='\u{1160}',
    '\u{17B4}'..='\u{17B5}',
    '\u{180B}'..='\u{180F}',
    '\u{200B}'..='\u{200F}',
    '\u{202A}'..='\u{202E}',
    '\u{2060}'..='\u{206F}',
    '\u{20DD}'..='\u{20E4}',
    '\u{3164}'..='\u{3164}',
    '\u{FE00}'..='\u{FE0F}',
    '\u{FEFF}'..='\u{FEFF}',
    '\u{FFA0}'..='\u{FFA0}',
    '\u{FFF0}'..='\u{FFFC}',
];

fn is_ignorable(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{FFFE}' | '\u{FFFF}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0000}'..='\u{E0FFF}')
        || IGNORABLE.iter().any(|range| range.contains(&c))
}

/// One form for what writers use alike.
fn unify(c: char) -> char {
    match c {
        _ if c.is_whitespace() => ' ',
        '“' | '”' | '„' | '‟' | '「' | '」' | '『' | '』' | '〝' | '〞' | '〟' => {
            '"'
        }
        '‘' | '’' | '‚' | '‛' | '`' | '′' | '‵' => '\'',
        '【' | '〔' | '〖' | '〘' | '〚' => '[',
        '】' | '〕' | '〗' | '〙' | '〛' => ']',
        '〈' | '⟨' => '《',
        '〉' | '⟩' => '》',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '─' | '━' | '−' => '-',
        '〜' | '∼' | '〰' => '~',
        '•' | '・' | '‧' | '∙' | '⋅' => '·',
        '∶' => ':',
        '⁄' | '∕' => '/',
        '⋯' => '…',
        _ => simplify(c),
    }
}

/// The simplified form of a traditional character, the common one where several words differ.
fn simplify(c: char) -> char {
    match c {
        // Simplified texts use these too: 呵呵, 哪吒, 大阪, 薰衣草, 捍卫, 彷徨, 磐石, 顶呱呱.
        '呵' | '吒' | '阪' | '薰' | '捍' | '彷' | '磐' | '呱' | '矽' | '醯' | '煅' | '祗'
        | '甯' => c,
        '妳' => '你',
        '牠' => '它',
        '瀋' => '沈',
        '祇' => '只',
        _ if !is_han(c) => c,
        _ => {
            let mut buffer = [0; 4];
            fast2s::convert(c.encode_utf8(&mut buffer)).chars().next().unwrap_or(c)
        }
    }
}
