//! What a customer says, with the facts that the intake system sends along.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::Money;

/// The longest text that is read, in Unicode scalar values; evidence goes into attachments.
pub const MAX_TEXT_CHARS: usize = 100_000;

/// Where a complaint came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// 在线客服
    Chat,
    /// 热线
    Hotline,
    /// 订单投诉
    OrderPage,
    /// 表单
    Form,
    /// 邮件
    Email,
    /// 社交媒体
    Social,
    /// 线下门店
    Store,
    /// 监管转办
    Regulator,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::Hotline,
        Self::OrderPage,
        Self::Form,
        Self::Email,
        Self::Social,
        Self::Store,
        Self::Regulator,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Hotline => "hotline",
            Self::OrderPage => "order_page",
            Self::Form => "form",
            Self::Email => "email",
            Self::Social => "social",
            Self::Store => "store",
            Self::Regulator => "regulator",
        }
    }
}

/// How much attention the firm has promised a customer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CustomerTier {
    /// 普通客户
    #[default]
    Standard,
    /// 会员
    Member,
    /// VIP
    Vip,
}

impl CustomerTier {
    /// Every tier.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Member, Self::Vip];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Member => "member",
            Self::Vip => "vip",
        }
    }
}

/// The words of a complaint: not blank, no NUL, at most [`MAX_TEXT_CHARS`] long, otherwise
/// exactly as they came.
#[derive(Clone, PartialEq, Eq)]
pub struct ComplaintText(String);

/// Why a text cannot be read as a complaint. Never quotes the text: it may hold personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or white space alone.
    #[error("the text is blank: send the complaint's words")]
    Blank,
    /// A NUL character, which no complaint has and databases refuse.
    #[error("the text has a NUL character at character {0}: send plain text")]
    Nul(usize),
    /// More than [`MAX_TEXT_CHARS`].
    #[error(
        "the text has {0} characters and {MAX_TEXT_CHARS} are allowed: send long documents as evidence"
    )]
    Long(usize),
}

impl ComplaintText {
    /// The words as they came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ComplaintText {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            return Err(TextError::Blank);
        }
        if let Some(byte) = text.find('\0') {
            return Err(TextError::Nul(text[..byte].chars().count()));
        }
        // A character takes a byte at least, so most texts need no count.
        if MAX_TEXT_CHARS < text.len() {
            let n_chars = text.chars().count();
            if MAX_TEXT_CHARS < n_chars {
                return Err(TextError::Long(n_chars));
            }
        }
        Ok(Self(text))
    }
}

impl FromStr for ComplaintText {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl fmt::Debug for ComplaintText {
    /// Words of customers do not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComplaintText({} bytes)", self.0.len())
    }
}

/// A complaint as it enters triage: its words and what the intake system knows beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Complaint {
    /// What the customer wrote or said.
    pub text: ComplaintText,
    /// Where it came in.
    pub channel: Option<Channel>,
    /// The amount in dispute as the intake system states it.
    pub amount: Option<Money>,
    /// The customer's tier.
    pub customer_tier: CustomerTier,
    /// How often the customer has contacted the firm about this before.
    pub prior_contacts: Option<u32>,
    /// When the firm received it; clocks start here.
    pub received_at: Timestamp,
}

/// The five elements 五要素 of an intake record beside the description, as far as they are known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Elements {
    /// The firm's id of the customer.
    pub customer_id: Option<String>,
    /// The customer's name or user name.
    pub customer_name: Option<String>,
    /// Telephone, e-mail or another way to reach the customer.
    pub customer_contact: Option<String>,
    /// Product or service.
    pub product: Option<String>,
    /// Shop or branch.
    pub shop: Option<String>,
    /// Employee.
    pub employee: Option<String>,
    /// Order number.
    pub order_number: Option<String>,
    /// What the customer wants 诉求.
    pub demand: Option<String>,
    /// Links to screenshots, chats, photos, video 证据.
    pub evidence: Vec<String>,
}

impl fmt::Debug for Elements {
    /// Names and contacts do not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elements").finish_non_exhaustive()
    }
}
