//! The people of the demo, and what they have learned from its story: an early warning that is
//! still open, and improvements on their way.

use anyhow::Context;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::StaffRole;
use crate::identity::{Identity, NewUser, Principal};
use crate::triage::{Desk, ImprovementRequest, ReviewList};

/// Those who take calls; who of them works a case follows from its id.
const AGENTS: [&str; 3] = ["wang.fang", "han.mei", "liu.yang"];

/// Everybody else, by what they do.
const OTHERS: [(&str, StaffRole); 5] = [
    ("li.lei", StaffRole::TriageLead),
    ("zhao.min", StaffRole::EscalationTeam),
    ("chen.jie", StaffRole::DepartmentHead),
    ("zhou.yi", StaffRole::Executive),
    ("wu.jing", StaffRole::Executive),
];

/// Who works a case.
pub(super) fn agent(case: Uuid) -> &'static str {
    AGENTS[(case.as_u128() % AGENTS.len() as u128) as usize]
}

/// Adds the people. None of them can log in: the demo asks for no password.
pub(super) async fn hire(identity: &Identity, now: Timestamp) -> anyhow::Result<()> {
    let agents = AGENTS.map(|name| (name, StaffRole::FrontLine));
    for (name, role) in agents.into_iter().chain(OTHERS) {
        let new = NewUser {
            name: name.to_owned(),
            display_name: name.to_owned(),
            roles: vec![role],
            queue: None,
            password: None,
        };
        identity.create_user(new, &Principal::Open, now).await.context("cannot add a person")?;
    }
    Ok(())
}

/// Looks for clusters once, and writes down what shall become better.
pub(super) async fn learn(desk: &Desk, now: Timestamp) -> anyhow::Result<()> {
    desk.watch(now).await?;
    let alerts = desk.list_alerts(&ReviewList::open_alerts()).await?.alerts;
    let of_shop = alerts.iter().find(|it| it.kind == "shop");
    let today = desk.engine().knowledge().calendar.date(now);
    let improvements = [
        json!({
            "title": "新店开业前核对发货能力", "department": "物流合作部", "owner": "chen.jie",
            "due_on": today + 9.days(), "alert_id": of_shop.map(|it| it.id.as_str()),
            "category": "logistics", "note": "同一家店的配送投诉集中出现",
        }),
        json!({
            "title": "退款超过三天自动提醒财务", "department": "财务与价格部", "owner": "li.lei",
            "due_on": today - 2.days(), "category": "refund_payment", "note": "月度复盘",
        }),
    ];
    for (number, mut improvement) in (0_u64..).zip(improvements) {
        improvement["by"] = json!({ "name": "li.lei", "role": "triage_lead" });
        add(desk, improvement, number, now).await?;
    }
    Ok(())
}

async fn add(desk: &Desk, body: Value, number: u64, now: Timestamp) -> anyhow::Result<()> {
    let seconds = now.as_second().unsigned_abs() + number;
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0));
    let request = ImprovementRequest::parse(body, id, now);
    desk.add_improvement(request.ok().context("an improvement of the demo is refused")?).await?;
    Ok(())
}
