//! What customers are told, and over what.

use serde::{Deserialize, Serialize};

/// What a message tells a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The complaint is accepted, by whom, and by when it is settled 受理回执.
    Acknowledgement,
    /// How far it is 进展.
    Progress,
    /// What the firm offers 方案.
    Proposal,
    /// What was done 结果.
    Result,
    /// Whether it is settled, and how content the customer is 回访.
    Satisfaction,
}

impl MessageKind {
    /// Every kind, in the order in which a customer hears of them.
    pub const ALL: [Self; 5] =
        [Self::Acknowledgement, Self::Progress, Self::Proposal, Self::Result, Self::Satisfaction];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::Progress => "progress",
            Self::Proposal => "proposal",
            Self::Result => "result",
            Self::Satisfaction => "satisfaction",
        }
    }
}

/// Over what a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageChannel {
    /// 短信
    Sms,
    /// 在线客服
    Chat,
    /// 邮件
    Email,
}

impl MessageChannel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Sms, Self::Chat, Self::Email];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Chat => "chat",
            Self::Email => "email",
        }
    }

    /// The channel on which a contact is reached, told from its shape.
    ///
    /// ```
    /// use fenzhen::domain::MessageChannel;
    ///
    /// assert_eq!(MessageChannel::of_contact("138 0000 1111"), MessageChannel::Sms);
    /// assert_eq!(MessageChannel::of_contact("wang@example.cn"), MessageChannel::Email);
    /// assert_eq!(MessageChannel::of_contact("wx_wang"), MessageChannel::Chat);
    /// ```
    pub fn of_contact(contact: &str) -> Self {
        let digits = contact.bytes().filter(u8::is_ascii_digit).count();
        let is_number = contact.chars().all(|it| it.is_ascii_digit() || "+- ()".contains(it));
        if contact.contains('@') {
            Self::Email
        } else if is_number && 7 <= digits {
            Self::Sms
        } else {
            Self::Chat
        }
    }
}
