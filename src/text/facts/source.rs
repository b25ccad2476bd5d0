//! The text that facts are read from. Looks around a place only a bounded number of characters
//! far, so that reading stays linear whatever the text.

use crate::text::normalize::Normalized;

/// A normalized text and where it came from.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) original: &'t str,
    pub(super) normalized: &'t Normalized,
}

impl<'t> Source<'t> {
    /// The character that starts at `at`.
    pub(super) fn char_at(self, at: usize) -> Option<char> {
        self.text[at..].chars().next()
    }

    /// The character that ends at `at`.
    pub(super) fn char_before(self, at: usize) -> Option<char> {
        self.text[..at].chars().next_back()
    }

    /// The byte at `at`, 0 at the end.
    pub(super) fn byte_at(self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or_default()
    }

    /// At most `n_chars` characters before `at`, of the same clause.
    pub(super) fn before(self, at: usize, n_chars: usize) -> &'t str {
        let near = self.text[..at].char_indices().rev().take(n_chars);
        let start =
            near.take_while(|&(_, c)| !ends_clause(c)).last().map_or(at, |(start, _)| start);
        &self.text[start..at]
    }

    /// At most `n_chars` characters from `at` on, of the same clause.
    pub(super) fn after(self, at: usize, n_chars: usize) -> &'t str {
        let near = self.text[at..].char_indices().take(n_chars);
        let len =
            near.take_while(|&(_, c)| !ends_clause(c)).last().map_or(0, |(i, c)| i + c.len_utf8());
        &self.text[at..at + len]
    }

    /// Whether the original has an ASCII comma here: normalization has made ，one, too, but only
    /// the ASCII one groups digits.
    pub(super) fn is_grouping_comma(self, at: usize) -> bool {
        let original = self.normalized.span(at..at + 1).start;
        self.byte_at(at) == b',' && self.original.as_bytes().get(original) == Some(&b',')
    }

    /// Whether something other than money is counted or measured from `at` on: 个, 次, 天, 斤 …
    pub(super) fn is_measured(self, at: usize) -> bool {
        let is_points = || self.skip_any(at, &["京豆", "京东豆"]).is_some();
        is_points()
            || self.char_at(at).is_some_and(is_measure) && !self.text[at..].starts_with("包邮")
    }

    /// Where the space that may start at `at` ends.
    pub(super) fn skip_space(self, at: usize) -> usize {
        at + usize::from(self.byte_at(at) == b' ')
    }

    /// Where `word` ends, if it starts at `at`.
    pub(super) fn skip(self, at: usize, word: &str) -> Option<usize> {
        self.text[at..].starts_with(word).then_some(at + word.len())
    }

    /// Where one of the words ends, if one starts at `at`; the first that fits.
    pub(super) fn skip_any(self, at: usize, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| self.skip(at, word))
    }
}

/// Whether one of the words starts the text.
pub(super) fn starts_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.starts_with(word))
}

/// Whether one of the words ends the text.
pub(super) fn ends_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.ends_with(word))
}

/// Whether one of the words stands in the text.
pub(super) fn contains_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether a normalized character ends a clause.
pub(super) const fn ends_clause(c: char) -> bool {
    matches!(c, ',' | '。' | '!' | '?' | ';' | '…')
}

/// What counts or measures something other than money, so that the number before it is no amount.
const MEASURES: &str = "个次件只条台部张双套瓶箱包袋盒斤克公米厘毫升度天日月年号点时小分秒周星岁人位户名家楼层室单\
     栋期倍折成颗粒片根支枝把本份杯碗盘桌间床辆架艘匹头页行句字集章寸英级款代系型版转遍趟回场轮批组排列队群种类样项\
     题道步站门路线节段方平亩吨磅码尺里圈针滴股束朵棵株串团堆积豆粉赞评晚餐口届刻夜季世瓦伏安兆流货座美欧港日韩英";

fn is_measure(c: char) -> bool {
    !c.is_ascii() && MEASURES.contains(c)
}
