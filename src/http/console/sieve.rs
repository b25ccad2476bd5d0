//! What of a queue somebody wants to see. It lives in the address, so that it can be kept, sent
//! to a colleague, and is still there when the page is fetched anew.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::domain::{Channel, QueueId, Role, Tier};
use crate::http::console::{form, words};
use crate::store::{Owner, WorkFilter};
use crate::triage::Knowledge;

/// What the form asks for, in its order.
const FIELDS: [&str; 6] = ["severity", "category", "channel", "tier", "owner", "due"];

/// How the address says that nobody owns a case.
const NOBODY: &str = "-";

/// What the address asks for; values that nobody knows match nothing.
pub(super) struct Sieve<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Sieve<'a> {
    /// Reads the parameters of an address.
    pub(super) fn read(pairs: &'a [(String, String)]) -> Self {
        let asked = |name: &'static str| {
            let value = pairs.iter().rfind(|(it, _)| it == name).map(|(_, value)| value.trim())?;
            (!value.is_empty()).then_some((name, value))
        };
        Self(FIELDS.into_iter().filter_map(asked).collect())
    }

    /// Whether everything is wanted.
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    fn asked(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(it, _)| *it == name).map(|(_, value)| *value)
    }

    /// The same for the store; nothing when no case can be like that.
    pub(super) fn filter(&self, queue: &QueueId, now: Timestamp) -> Option<WorkFilter> {
        let channel = |name: &str| Channel::ALL.into_iter().find(|it| it.as_str() == name);
        let tier = |number: &str| Tier::try_from(number.parse::<u8>().ok()?).ok();
        Some(WorkFilter {
            queue: Some(queue.clone()),
            severity: self.asked("severity").map(str::parse).transpose().ok()?,
            category: self.asked("category").map(str::parse).transpose().ok()?,
            channel: match self.asked("channel") {
                None => None,
                Some(name) => Some(channel(name)?),
            },
            tier: match self.asked("tier") {
                None => None,
                Some(number) => Some(tier(number)?),
            },
            due_before: self.asked("due").map(|_| now),
            owner: self.asked("owner").map(|name| match name {
                NOBODY => Owner::Nobody,
                name => Owner::Person(name.to_owned()),
            }),
            ..WorkFilter::default()
        })
    }

    /// The address of a queue with this and more.
    pub(super) fn address(&self, queue: &QueueId, more: &[(&'static str, &str)]) -> String {
        let pairs: Vec<_> = self.0.iter().chain(more).copied().collect();
        form::address(&format!("/console/queues/{queue}"), &pairs)
    }

    /// The form; `owners` own cases of the queue.
    pub(super) fn form(
        &self,
        queue: &QueueId,
        knowledge: &Knowledge,
        owners: &[(String, u64)],
    ) -> Markup {
        let labels = |role: Role| -> Vec<(String, String)> {
            let head = knowledge.taxonomy.role(role).map(|(_, head)| &head.labels);
            let labels = head.into_iter().flatten();
            labels.map(|it| (it.id.to_string(), it.name.clone())).collect()
        };
        let channels =
            Channel::ALL.map(|it| (it.as_str().to_owned(), words::channel(it).to_owned()));
        let tiers = [Tier::FrontLine, Tier::EscalationTeam, Tier::Executive]
            .map(|it| (u8::from(it).to_string(), words::tier(it).to_owned()));
        let mut people = vec![(NOBODY.to_owned(), "无人负责".to_owned())];
        people.extend(owners.iter().map(|(name, n)| (name.clone(), format!("{name}（{n}）"))));
        let choice = |name: &'static str, title: &str, options: &[(String, String)]| {
            html! {
                label.field {
                    span { (title) }
                    select name=(name) {
                        option value="" { "不限" }
                        @for (value, text) in options {
                            option value=(value) selected[self.asked(name) == Some(value.as_str())] { (text) }
                        }
                    }
                }
            }
        };
        html! {
            form.card.filters.tight method="get" action=(format!("/console/queues/{queue}")) data-auto {
                (choice("severity", "严重程度", &labels(Role::Severity)))
                (choice("category", "类别", &labels(Role::Category)))
                (choice("channel", "渠道", &channels))
                (choice("tier", "层级", &tiers))
                (choice("owner", "负责人", &people))
                (choice("due", "时限", &[("over".to_owned(), "已超期".to_owned())]))
                button.unscripted type="submit" { "筛选" }
                @if !self.is_open() { a.button href=(format!("/console/queues/{queue}")) { "清除" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_address_is_read_and_written_again() {
        let queue: QueueId = "logistics".parse().expect("it is a name");
        let pairs = pairs(&[("owner", "王 芳&x"), ("severity", ""), ("tier", "2"), ("else", "1")]);
        let sieve = Sieve::read(&pairs);
        let filter = sieve.filter(&queue, Timestamp::UNIX_EPOCH).expect("it can be");
        assert_eq!(filter.owner, Some(Owner::Person("王 芳&x".to_owned())));
        assert_eq!((filter.tier, filter.severity), (Some(Tier::EscalationTeam), None));
        assert_eq!(
            sieve.address(&queue, &[("cursor", "7")]),
            "/console/queues/logistics?tier=2&owner=%E7%8E%8B%20%E8%8A%B3%26x&cursor=7"
        );
    }

    #[test]
    fn what_cannot_be_matches_nothing() {
        let queue: QueueId = "logistics".parse().expect("it is a name");
        for wrong in [("tier", "9"), ("channel", "pigeon"), ("category", "<script>")] {
            let pairs = pairs(&[wrong]);
            assert!(Sieve::read(&pairs).filter(&queue, Timestamp::UNIX_EPOCH).is_none());
        }
    }
}
