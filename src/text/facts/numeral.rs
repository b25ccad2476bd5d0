//! Numerals in all the ways Chinese people write them: 399, 1,299.00, 1.2万, 两千多, 两万五, 十几万,
//! 七八, 壹佰, 3k, 1w. Says how large, not what of.

use super::source::{Source, starts_with_any};

/// Values are whole ten-thousandths, so that 1.2345万 is exact.
pub(super) const SCALE: u64 = 10_000;
const TEN_THOUSAND: u64 = 10_000;
const HUNDRED_MILLION: u64 = 100_000_000;
/// Nobody complains about more than a trillion of anything.
const MAX: u64 = 1_000_000_000_000 * SCALE;

/// A number that the text states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) start: usize,
    pub(super) end: usize,
    /// At least so much, in units of 1 / [`SCALE`].
    pub(super) value: u64,
    /// Whether it says roughly: 多, 几, 七八.
    pub(super) approximate: bool,
    /// The last power of ten that it names: 1000 in 两千, 10 000 in 1.2万, 1 in 399.
    pub(super) unit: u64,
    /// How many digits it has if it has only digits, Arabic or, read one by one, Chinese.
    pub(super) n_digits: usize,
    /// Whether the digits are Chinese and read one by one: 二零二六.
    pub(super) spelled: bool,
}

impl Numeral {
    /// The whole number, when it is one and stated exactly.
    pub(super) fn exact(&self) -> Option<u64> {
        (!self.approximate && self.value.is_multiple_of(SCALE)).then_some(self.value / SCALE)
    }

    /// How many at least.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.value / SCALE).unwrap_or(u32::MAX)
    }
}

/// Reads the numeral that starts at `at`, if one does.
pub(super) fn parse(source: Source<'_>, at: usize) -> Option<Numeral> {
    spelled(source, at).or_else(|| Reader::new(source, at).read())
}

/// Whether a numeral may start with the character.
pub(super) const fn may_start(c: char) -> bool {
    c.is_ascii_digit()
        || matches!(c, '几' | '数')
        || chinese_digit(c).is_some()
        || power(c).is_some()
}

const fn chinese_digit(c: char) -> Option<u64> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '两' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

const fn power(c: char) -> Option<u64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        '万' => TEN_THOUSAND,
        '亿' => HUNDRED_MILLION,
        _ => return None,
    })
}

/// Digits read one by one: 二零二六, 一五; not 七八, which means 7 or 8.
fn spelled(source: Source<'_>, at: usize) -> Option<Numeral> {
    let (mut value, mut n_digits, mut end, mut first, mut last) = (0_u64, 0, at, 0, 0);
    for c in source.text[at..].chars() {
        let Some(digit) = chinese_digit(c) else { break };
        if n_digits == 0 {
            first = digit;
        }
        last = digit;
        value = value.saturating_mul(10).saturating_add(digit);
        n_digits += 1;
        end += c.len_utf8();
    }
    let goes_on = source.char_at(end).and_then(power).is_some();
    let is_spelled = 3 <= n_digits || (n_digits == 2 && !goes_on && !is_either(first, last));
    let value = value.saturating_mul(SCALE).min(MAX);
    is_spelled.then_some(Numeral {
        start: at,
        end,
        value,
        approximate: false,
        unit: 1,
        n_digits,
        spelled: true,
    })
}

/// Whether two digits in a row mean one or the other: 七八, 三五.
const fn is_either(first: u64, second: u64) -> bool {
    second == first + 1 || (first == 3 && second == 5)
}

/// Arabic digits with groups and decimals: the value, how many bytes, how many digits.
fn arabic(source: Source<'_>, start: usize) -> (u64, usize, usize) {
    let bytes = &source.text.as_bytes()[start..];
    let n_leading =
        |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut len = n_leading(0);
    if len <= 3 {
        while bytes.get(len) == Some(&b',')
            && n_leading(len + 1) == 3
            && source.is_grouping_comma(start + len)
        {
            len += 4;
        }
    }
    let mut value = 0_u64;
    let mut n_digits = 0;
    for byte in bytes[..len].iter().filter(|byte| byte.is_ascii_digit()) {
        value = value.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
        n_digits += 1;
    }
    value = value.saturating_mul(SCALE).min(MAX);
    if bytes.get(len) == Some(&b'.') && n_leading(len + 1) != 0 {
        let decimals = &bytes[len + 1..len + 1 + n_leading(len + 1)];
        for (byte, place) in decimals.iter().zip([1000, 100, 10, 1]) {
            value += u64::from(byte - b'0') * place;
        }
        len += 1 + decimals.len();
    }
    (value, len, n_digits)
}

/// Reads coefficients and powers from left to right.
struct Reader<'t> {
    source: Source<'t>,
    start: usize,
    at: usize,
    /// What 万 and 亿 have closed, and which of them was last.
    closed: u64,
    large: u64,
    /// What is below the next 万.
    open: u64,
    /// A coefficient without its power yet, and where it starts.
    pending: Option<(u64, usize)>,
    /// Whether the pending coefficient is a single digit, so that 两万五 means 25 000.
    single: bool,
    after_zero: bool,
    /// The power before, and the one that those below 万 must stay under.
    unit: u64,
    below: u64,
    approximate: bool,
    n_digits: usize,
}

impl<'t> Reader<'t> {
    const fn new(source: Source<'t>, at: usize) -> Self {
        Self {
            source,
            start: at,
            at,
            closed: 0,
            large: 0,
            open: 0,
            pending: None,
            single: false,
            after_zero: false,
            unit: 1,
            below: u64::MAX,
            approximate: false,
            n_digits: 0,
        }
    }

    fn read(mut self) -> Option<Numeral> {
        if self.starts_with_bare_power() {
            self.pending = Some((SCALE, self.at));
            self.approximate = true;
        }
        while let Some(c) = self.source.char_at(self.at) {
            let goes_on = match c {
                '0'..='9' => self.arabic(),
                '零' | '〇' => self.zero(c),
                '几' | '数' => self.some(c),
                '多' | '余' | '来' | '把' => self.more(c),
                'k' => self.letter(c, 1000),
                'w' => self.letter(c, TEN_THOUSAND),
                _ => match (chinese_digit(c), power(c)) {
                    (Some(digit), _) => self.digit(c, digit),
                    (_, Some(power @ (TEN_THOUSAND | HUNDRED_MILLION))) => {
                        self.large_power(c, power)
                    }
                    (_, Some(power)) => self.small_power(c, power),
                    _ => false,
                },
            };
            if !goes_on {
                break;
            }
        }
        self.finish()
    }

    /// 上百户, 近万元, 千把块: powers without a coefficient. Elsewhere they are parts of words, as
    /// in 千万别, 万一 and 百分之.
    fn starts_with_bare_power(&self) -> bool {
        let mut rest = self.source.text[self.start..].chars();
        let next = rest.by_ref().take(3).find(|&c| power(c).is_none());
        let first = self.source.char_at(self.start).and_then(power);
        match (first, next) {
            (Some(10) | None, _) | (_, None) => false,
            (_, Some('把')) => true,
            (_, Some(next)) => {
                let before = self.source.char_before(self.start);
                before.is_some_and(|c| "上近过逾超达".contains(c))
                    && "元块多余人名户次个份家".contains(next)
            }
        }
    }

    fn arabic(&mut self) -> bool {
        if self.pending.is_some() || (self.at != self.start && self.unit == 1) {
            return false;
        }
        let (value, len, n_digits) = arabic(self.source, self.at);
        self.pending = Some((value, self.at));
        self.single = len == 1;
        self.n_digits = if self.at == self.start { n_digits } else { 0 };
        self.at += len;
        true
    }

    fn digit(&mut self, c: char, digit: u64) -> bool {
        match self.pending {
            None => {
                self.pending = Some((digit * SCALE, self.at));
                self.single = true;
            }
            Some((first, at))
                if self.single
                    && at + c.len_utf8() == self.at
                    && is_either(first / SCALE, digit) =>
            {
                self.single = self.unit != 1;
                self.approximate = true;
            }
            Some(_) => return false,
        }
        self.at += c.len_utf8();
        true
    }

    fn zero(&mut self, c: char) -> bool {
        let follows_power = self.pending.is_none() && 1 < self.unit && !self.after_zero;
        if follows_power {
            self.after_zero = true;
            self.at += c.len_utf8();
        }
        follows_power
    }

    /// 几 and 数 stand for a digit: at least 1 after 十, at least 2 elsewhere.
    fn some(&mut self, c: char) -> bool {
        let next = self.source.char_at(self.at + c.len_utf8());
        if self.pending.is_some()
            || self.approximate
            || (c == '数' && next.and_then(power).is_none())
        {
            return false;
        }
        let digit = if self.unit == 10 { 1 } else { 2 };
        self.pending = Some((digit * SCALE, self.at));
        self.single = false;
        self.approximate = true;
        self.at += c.len_utf8();
        true
    }

    /// 多, 余, 来 and 把 say that there is more; only 万 and 亿 can follow.
    fn more(&mut self, c: char) -> bool {
        const COUNTED: [&str; 14] =
            ["个", "块", "元", "万", "次", "天", "户", "人", "位", "名", "条", "件", "家", "斤"];
        let rest = &self.source.text[self.at + c.len_utf8()..];
        let is_round = 1 < self.unit || self.n_digits != 0;
        let means_more = match c {
            '多' => !starts_with_any(rest, &["少", "扣", "收", "付", "退", "花", "发"]),
            '余' => !starts_with_any(rest, &["额", "款"]),
            _ => starts_with_any(rest, &COUNTED),
        };
        if !is_round || !means_more {
            return false;
        }
        self.at += c.len_utf8();
        self.approximate = true;
        match rest.chars().next() {
            Some('万') => self.large_power('万', TEN_THOUSAND),
            Some('亿') => self.large_power('亿', HUNDRED_MILLION),
            _ => false,
        };
        false
    }

    /// 3k and 1w, where no other letter follows: not 5kg, not 20wh.
    fn letter(&mut self, c: char, power: u64) -> bool {
        let alone = match self.source.text.as_bytes()[self.at + 1..] {
            [digit, next, ..] if digit.is_ascii_digit() => !next.is_ascii_alphanumeric(),
            [next, ..] => !next.is_ascii_alphabetic(),
            [] => true,
        };
        self.n_digits != 0 && alone && self.large_power(c, power)
    }

    fn small_power(&mut self, c: char, power: u64) -> bool {
        let coefficient = match self.pending {
            Some((value, _)) => value,
            None if power == 10 => SCALE,
            None => return false,
        };
        if self.below <= power {
            return false;
        }
        self.open = self.open.saturating_add(coefficient.saturating_mul(power));
        self.below = power;
        self.close(c, power);
        true
    }

    fn large_power(&mut self, c: char, power: u64) -> bool {
        let coefficient = self.open.saturating_add(self.pending.map_or(0, |(value, _)| value));
        if coefficient == 0 || self.large == power {
            return false;
        }
        let closed = if self.large < power {
            self.closed.saturating_add(coefficient).saturating_mul(power)
        } else {
            self.closed.saturating_add(coefficient.saturating_mul(power))
        };
        self.closed = closed.min(MAX);
        self.open = 0;
        self.large = power;
        self.below = u64::MAX;
        self.close(c, power);
        true
    }

    fn close(&mut self, c: char, power: u64) {
        self.pending = None;
        self.after_zero = false;
        self.unit = power;
        self.n_digits = 0;
        self.at += c.len_utf8();
    }

    fn finish(mut self) -> Option<Numeral> {
        if let Some((value, at)) = self.pending {
            let is_short = self.single && 100 <= self.unit && !self.after_zero;
            if !is_short {
                self.open = self.open.saturating_add(value);
            } else if self.source.is_measured(self.at) {
                // 三千一个月 is 三千 and 一个月.
                self.at = at;
            } else {
                self.open = self.open.saturating_add(value.saturating_mul(self.unit / 10));
            }
        }
        let value = self.closed.saturating_add(self.open).min(MAX);
        (self.start < self.at && value != 0).then_some(Numeral {
            start: self.start,
            end: self.at,
            value,
            approximate: self.approximate,
            unit: self.unit,
            n_digits: self.n_digits,
            spelled: false,
        })
    }
}
