//! The shapes of personal numbers in China: mobile phones, ID cards, bank cards. Lower-case and
//! half-width; whether a place in a text holds one is for the caller to find out.

/// Whether a run is a mobile number: 11 digits from 13 to 19.
pub(super) fn is_mobile(run: &str) -> bool {
    matches!(run.as_bytes(), [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9 && rest.iter().all(u8::is_ascii_digit))
}

/// Whether a run is an ID card number: 18 characters whose birthday and check character are
/// right (GB 11643-1999, ISO 7064 MOD 11-2).
pub(super) fn is_id_card(run: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let Some((body, [check])) = run.as_bytes().split_at_checked(17) else { return false };
    if !body.iter().all(u8::is_ascii_digit) || body[0] == b'0' {
        return false;
    }
    let number = |range: std::ops::Range<usize>| run[range].parse::<u32>().unwrap_or(0);
    let is_birthday = (1900..2100).contains(&number(6..10))
        && (1..=12).contains(&number(10..12))
        && (1..=31).contains(&number(12..14));
    let sum: u32 =
        body.iter().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    is_birthday && check.eq_ignore_ascii_case(&b"10x98765432"[sum as usize % 11])
}

/// Whether a run is a bank card number: 16 to 19 digits with a right check digit (Luhn, ISO/IEC
/// 7812-1) that start as cards issued in China do.
pub(super) fn is_bank_card(run: &str) -> bool {
    let bytes = run.as_bytes();
    if !(16..=19).contains(&bytes.len())
        || !bytes.iter().all(u8::is_ascii_digit)
        || !b"3456".contains(&bytes[0])
    {
        return false;
    }
    let sum: u32 = bytes
        .iter()
        .rev()
        .enumerate()
        .map(|(i, byte)| {
            let digit = u32::from(byte - b'0') << (i % 2);
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_by_their_check_digits() {
        assert!(
            is_mobile("13800138000") && !is_mobile("12800138000") && !is_mobile("138001380001")
        );
        assert!(is_id_card("11010519491231002x") && !is_id_card("110105194912310021"));
        let cards = (0..10).filter(|check| is_bank_card(&format!("622202000000123456{check}")));
        assert_eq!(cards.count(), 1);
        assert!(!is_id_card("") && !is_bank_card("") && !is_mobile(""));
    }
}
