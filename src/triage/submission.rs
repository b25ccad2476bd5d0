//! From JSON to a complaint.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::{Channel, Complaint, ComplaintText, CustomerTier, Elements};
use crate::triage::fields::{Fields, MAX_FIELD_CHARS, Mistake, mistake};

/// The fields that a submission may have.
pub const SUBMISSION_FIELDS: [&str; 15] = [
    "id",
    "text",
    "channel",
    "external_id",
    "customer",
    "object",
    "demand",
    "evidence",
    "amount",
    "customer_tier",
    "prior_contacts",
    "occurred_at",
    "received_at",
    "received_by",
    "do_not_store",
];

/// A complaint with everything that the intake system sends along. It has no `Debug`: most of it
/// is personal data.
#[derive(Clone)]
pub struct Submission {
    /// The sender's own mark, echoed in answers to batches.
    pub id: Option<Value>,
    /// What triage reads.
    pub complaint: Complaint,
    /// The sender's id of the complaint, unique within its channel.
    pub external_id: Option<String>,
    /// Customer, object, demand and evidence.
    pub elements: Elements,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// The person who took it in, and answers for it until somebody else does 首问负责制.
    pub received_by: Option<String>,
    /// Whether the sender forbids to keep it: it is judged and forgotten, and never made a case.
    pub do_not_store: bool,
}

impl Submission {
    /// Whether it may become a case.
    pub fn check_storable(&self) -> Result<(), Vec<Mistake>> {
        let detail = "a case is stored: send it to `/v1/classify`, or leave `do_not_store` out";
        if self.do_not_store { Err(vec![mistake("/do_not_store", detail)]) } else { Ok(()) }
    }
}

/// Reads a submission; `now` is when it was received unless it says so itself.
pub fn parse_submission(value: Value, now: Timestamp) -> Result<Submission, Vec<Mistake>> {
    let Some(mut fields) = Fields::open(value) else {
        return Err(vec![mistake("", "send a JSON object with a `text`")]);
    };
    let text = fields.text();
    let submission = Submission {
        id: fields.object.remove("id").filter(|id| !id.is_null()),
        external_id: fields.short("external_id"),
        elements: fields.elements(),
        occurred_at: fields.time("occurred_at"),
        received_by: fields.short("received_by"),
        do_not_store: fields.read("do_not_store", "send true or false").unwrap_or_default(),
        complaint: Complaint {
            channel: fields.one_of("channel", &Channel::ALL.map(Channel::as_str)),
            amount: fields
                .read("amount", "send yuan as a number from 0 to 1000000000000, such as 399.5"),
            customer_tier: fields
                .one_of("customer_tier", &CustomerTier::ALL.map(CustomerTier::as_str))
                .unwrap_or_default(),
            prior_contacts: fields
                .read("prior_contacts", "send a whole number from 0 to 4294967295, such as 2"),
            received_at: fields.received_at(now),
            // A missing text has been noted as a mistake, so this one is never used.
            text: text.unwrap_or_else(|| "-".parse().expect("a dash is not blank")),
        },
    };
    fields.refuse_unknown(&SUBMISSION_FIELDS);
    if fields.mistakes.is_empty() { Ok(submission) } else { Err(fields.mistakes) }
}

impl Fields {
    fn text(&mut self) -> Option<ComplaintText> {
        match self.object.swap_remove("text") {
            None | Some(Value::Null) => {
                self.wrong("text", "the text is missing: send the complaint's words");
                None
            }
            Some(Value::String(text)) => {
                text.try_into().map_err(|error| self.wrong("text", format!("{error}"))).ok()
            }
            Some(_) => {
                self.wrong("text", "send the text as a JSON string");
                None
            }
        }
    }

    /// Clocks start at reception, so one in the future would hide a deadline.
    fn received_at(&mut self, now: Timestamp) -> Timestamp {
        let received_at = self.time("received_at").unwrap_or(now);
        if now.as_second() + 60 < received_at.as_second() {
            self.wrong("received_at", "send a time that is not in the future");
        }
        received_at
    }

    fn evidence(&mut self) -> Vec<String> {
        let links: Vec<String> =
            self.read("evidence", "send an array of links").unwrap_or_default();
        let long = |link: &String| MAX_FIELD_CHARS < link.len() || link.contains('\0');
        if 50 < links.len() || links.iter().any(long) {
            self.wrong("evidence", "send at most 50 links of at most 2000 bytes without NUL");
        }
        links
    }

    fn elements(&mut self) -> Elements {
        let mut customer = self.nested("customer");
        let mut object = self.nested("object");
        let elements = Elements {
            customer_id: customer.short("id"),
            customer_name: customer.short("name"),
            customer_contact: customer.short("contact"),
            product: object.short("product"),
            shop: object.short("shop"),
            employee: object.short("employee"),
            order_number: object.short("order_number"),
            demand: self.short("demand"),
            evidence: self.evidence(),
        };
        for mut fields in [customer, object] {
            fields.refuse_unknown(&[]);
            self.mistakes.append(&mut fields.mistakes);
        }
        elements
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(value: Value) -> Vec<String> {
        let now = "2026-11-21T09:00:00Z".parse().expect("a time");
        match parse_submission(value, now) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.into_iter().map(|it| it.pointer).collect(),
        }
    }

    #[test]
    fn a_full_submission_is_read() {
        let value = json!({
            "id": 7, "text": "快递丢了", "channel": "chat", "external_id": "A-1",
            "customer": {"id": "c1", "name": "王某", "contact": "wang@example.cn"},
            "object": {"product": "锅", "order_number": "N1"}, "demand": "退款",
            "evidence": ["https://example.cn/1.png"], "amount": "399.50", "customer_tier": "vip",
            "prior_contacts": 2, "occurred_at": "2026-11-20T09:00:00+08:00", "received_at": null,
        });
        assert_eq!(pointers(value), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_listed() {
        let value = json!({
            "text": 3, "channel": "pigeon", "amount": -1, "prior_contacts": 1.5,
            "customer": {"phone": "1"}, "received_at": "2999-01-01T00:00:00Z", "color": "red",
        });
        let expected = [
            "/text",
            "/customer/phone",
            "/channel",
            "/amount",
            "/prior_contacts",
            "/received_at",
            "/color",
        ];
        assert_eq!(pointers(value), expected);
    }

    #[test]
    fn a_number_that_is_too_large_is_told_how_large_it_may_be() {
        let value = json!({ "text": "退款", "amount": 1e300, "prior_contacts": 5_000_000_000_u64 });
        let now = "2026-11-21T09:00:00Z".parse().expect("a time");
        let Err(mistakes) = parse_submission(value, now) else { panic!("they are too large") };
        assert!(mistakes[0].detail.contains("from 0 to 1000000000000"), "{mistakes:?}");
        assert!(mistakes[1].detail.contains("from 0 to 4294967295"), "{mistakes:?}");
    }

    #[test]
    fn texts_that_cannot_be_read_are_refused() {
        for text in ["", " \n\u{3000}", "有\0字"] {
            assert_eq!(pointers(json!({ "text": text })), ["/text"], "{text:?}");
        }
        assert_eq!(pointers(json!({ "text": "长".repeat(100_001) })), ["/text"]);
        assert_eq!(pointers(json!([])), [""]);
        assert_eq!(pointers(json!({ "text": "😡😡😡" })), Vec::<String>::new());
    }
}
