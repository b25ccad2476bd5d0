//! What is hidden of one case from those who need not see whose it is, text by text. Whole answers
//! are masked by [`crate::triage::mask_answer`].

use crate::domain::Elements;
use crate::text::{self, Hidden};
use crate::triage::masking::{mask_field, mask_text};

/// Between a case and a reader: clear, or hiding personal data by its shape and by what the case
/// itself says are names and contacts.
#[derive(Default)]
pub struct Veil {
    is_clear: bool,
    known: Vec<(String, String)>,
}

impl Veil {
    /// Hides nothing.
    pub const fn clear() -> Self {
        Self { is_clear: true, known: Vec::new() }
    }

    /// Hides whose case it is.
    pub fn over(elements: &Elements) -> Self {
        let named = [
            ("customer_name", &elements.customer_name),
            ("customer_contact", &elements.customer_contact),
            ("employee", &elements.employee),
        ];
        let known = named.into_iter().filter_map(|(field, clear)| {
            let clear = clear.as_deref()?.trim();
            let masked = mask_field(field, &clear.into())?;
            (2 <= clear.chars().count()).then(|| (clear.to_owned(), masked))
        });
        let mut known: Vec<_> = known.collect();
        // A long name may hold a short one.
        known.sort_by_key(|(clear, _)| std::cmp::Reverse(clear.len()));
        Self { is_clear: false, known }
    }

    /// Whether it hides nothing.
    pub const fn is_clear(&self) -> bool {
        self.is_clear
    }

    /// A value that holds nothing but a name.
    pub fn name(&self, name: &str) -> String {
        if self.is_clear { name.to_owned() } else { text::mask_name(name) }
    }

    /// A value that holds nothing but a way to reach a person.
    pub fn contact(&self, contact: &str) -> String {
        let masked = || mask_field("customer_contact", &contact.into()).unwrap_or_default();
        if self.is_clear { contact.to_owned() } else { masked() }
    }

    /// A text with what it says of persons hidden.
    pub fn text(&self, words: &str) -> String {
        if self.is_clear { words.to_owned() } else { mask_text(words, &self.known) }
    }

    /// The places of a text that are hidden, in bytes and in their order; none overlaps another.
    pub fn places(&self, words: &str) -> Vec<Hidden> {
        if self.is_clear {
            return Vec::new();
        }
        let of_known = self.known.iter().flat_map(|(clear, masked)| {
            words
                .match_indices(clear.as_str())
                .map(|(at, found)| Hidden { range: at..at + found.len(), shown: masked.clone() })
        });
        let mut places: Vec<_> = of_known.chain(text::find_personal(words)).collect();
        places.sort_by_key(|it| (it.range.start, std::cmp::Reverse(it.range.end)));
        let mut end = 0;
        places.retain(|it| {
            let is_free = end <= it.range.start;
            end = if is_free { it.range.end } else { end };
            is_free
        });
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements() -> Elements {
        Elements {
            customer_name: Some("王小明".to_owned()),
            customer_contact: Some("wx_wang".to_owned()),
            ..Elements::default()
        }
    }

    #[test]
    fn what_the_case_says_is_a_name_is_hidden_in_its_texts() {
        let veil = Veil::over(&elements());
        assert_eq!(veil.text("请联系王小明，微信wx_wang"), "请联系王*，微信w***");
        assert_eq!(veil.name("王小明"), "王*");
        assert_eq!(veil.contact("wx_wang"), "w***");
        assert_eq!(Veil::clear().text("王小明13812341234"), "王小明13812341234");
    }

    #[test]
    fn places_come_in_order_and_do_not_overlap() {
        let text = "我叫王小明，电话13812341234，王小明敬上";
        let places = Veil::over(&elements()).places(text);
        let shown: Vec<_> = places.iter().map(|it| it.shown.as_str()).collect();
        assert_eq!(shown, ["王*", "138****1234", "王*"]);
        assert!(places.is_sorted_by(|a, b| a.range.end <= b.range.start));
    }
}
