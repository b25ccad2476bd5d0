//! The life of a case: the road from intake to archive, what is refused on it, and what holds for
//! every sequence of commands.

mod clocks;
mod compensation;
mod duplicates;
mod handbook;
mod moves;
mod privacy;
mod properties;
mod road;
mod tell;

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::calendar::Calendar;
use crate::cases::{
    Act, Claim, Command, ContactPurpose, EscalationForm, Event, ExecutiveReport, Handbook,
    Liability, Life, Offer, Pace, Periods, Proposal, Record, Refusal, Remedy, RemedyKind, Standing,
    Timetable,
};
use crate::domain::{Actor, Money, StaffRole, Tier};

static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::china);
static HANDBOOK: LazyLock<Handbook> =
    LazyLock::new(|| Handbook::parse(Handbook::DEFAULT).expect("the shipped handbook is correct"));

/// The periods of the domain: ordinary, complex, a matter of safety.
fn table() -> Timetable<'static> {
    let periods = |acceptance: &str, resolution: &str| Periods {
        acceptance: acceptance.parse().expect("it is a period"),
        first_response: "24h".parse().expect("it is a period"),
        resolution: resolution.parse().expect("it is a period"),
    };
    Timetable {
        calendar: &CALENDAR,
        handbook: &HANDBOOK,
        periods: [
            periods("2h", "3 working_days"),
            periods("6h", "7 working_days"),
            periods("1h", "7 working_days"),
        ],
    }
}

/// A moment in Shanghai, such as `2026-09-29 10:00`.
fn at(text: &str) -> Timestamp {
    format!("{}:00+08:00", text.replace(' ', "T")).parse().expect("a test's time is well-formed")
}

const PLAIN: Standing = Standing {
    tier: Tier::FrontLine,
    executive_review: false,
    needs_triage: false,
    pace: Pace::Ordinary,
};

fn received(standing: Standing, at: Timestamp) -> Record {
    let actor = Actor { name: "intake".to_owned(), role: StaffRole::System };
    Record { at, actor, event: Event::Received { standing, received_at: None, owner: None } }
}

/// A case whose events are kept, driven by commands.
struct Story {
    records: Vec<Record>,
    life: Life,
    now: Timestamp,
}

impl Story {
    fn start(standing: Standing, now: &str) -> Self {
        Self::start_at(standing, at(now))
    }

    fn start_at(standing: Standing, now: Timestamp) -> Self {
        let record = received(standing, now);
        let life = Life::fold([&record]).expect("it was received");
        Self { records: vec![record], life, now }
    }

    /// At this moment.
    fn at(&mut self, now: &str) -> &mut Self {
        self.now = at(now);
        self
    }

    fn ask(&mut self, who: (&str, StaffRole), command: Command) -> Result<(), Refusal> {
        let actor = Actor { name: who.0.to_owned(), role: who.1 };
        let records = self.life.decide(Act { actor, at: self.now, command }, &table())?;
        self.take(records);
        Ok(())
    }

    #[track_caller]
    fn must(&mut self, who: (&str, StaffRole), command: Command) -> &mut Self {
        let shown = command.move_of();
        self.ask(who, command).unwrap_or_else(|refusal| panic!("{shown}: {refusal}"));
        self
    }

    /// Lets the clocks do what is due.
    fn tick(&mut self) -> Vec<Event> {
        let records = self.life.tick(&table(), self.now);
        let events = records.iter().map(|record| record.event.clone()).collect();
        self.take(records);
        events
    }

    fn correct(&mut self, after: Standing) {
        let actor = Actor { name: "li.lei".to_owned(), role: StaffRole::TriageLead };
        self.take(vec![Record { at: self.now, actor, event: Event::Corrected { after } }]);
    }

    fn take(&mut self, records: Vec<Record>) {
        for record in &records {
            self.life.apply(record);
        }
        self.records.extend(records);
    }
}

const AGENT: (&str, StaffRole) = ("wang.fang", StaffRole::FrontLine);
const LEAD: (&str, StaffRole) = ("li.lei", StaffRole::TriageLead);
const TEAM: (&str, StaffRole) = ("zhao.min", StaffRole::EscalationTeam);
const HEAD: (&str, StaffRole) = ("chen.jie", StaffRole::DepartmentHead);
const DIRECTOR: (&str, StaffRole) = ("sun.li", StaffRole::ServiceDirector);
const BOSS: (&str, StaffRole) = ("zhou.yi", StaffRole::Executive);

fn text(text: &str) -> String {
    text.to_owned()
}

fn accept() -> Command {
    Command::Accept { contact_person: text("王芳") }
}

fn assign() -> Command {
    Command::Assign { department: text("物流合作部") }
}

fn review() -> Command {
    Command::Review { finding: text("标签与路由无误") }
}

fn investigate() -> Command {
    let departments = vec![text("物流合作部"), text("客户服务中心")];
    Command::Investigate { lead: text("赵敏"), departments }
}

fn opine(department: &str) -> Command {
    Command::Opine { department: text(department), opinion: text("包裹在中转站遗失") }
}

/// A parcel of ¥399 that never came.
fn undelivered() -> Claim {
    let price = Some(Money::from_yuan(399));
    Claim { grounds: vec![text("not_delivered")], price, ..Claim::default() }
}

fn conclude() -> Command {
    Command::Conclude {
        liability: Liability::ThirdParty,
        findings: text("承运商遗失"),
        claim: undelivered(),
    }
}

fn offer(yuan: i64, special_case: Option<&str>) -> Offer {
    let refund = Remedy {
        kind: RemedyKind::Refund,
        amount: Some(Money::from_yuan(yuan)),
        words: text("全额退款"),
        basis: None,
    };
    Offer { remedies: vec![refund], special_case: special_case.map(text) }
}

fn propose() -> Command {
    Command::Propose(Proposal { offers: vec![offer(399, None), offer(450, Some("老客户"))] })
}

fn execute() -> Command {
    Command::Execute { tracking_number: Some(text("SF1")), note: text("已退款") }
}

fn contact(purpose: ContactPurpose, answered: bool) -> Command {
    Command::Contact { purpose, answered, note: text("电话") }
}

fn archive() -> Command {
    Command::Archive { summary: text("已退款，客户满意") }
}

fn form() -> EscalationForm {
    EscalationForm {
        customer: text("王女士"),
        description: text("包裹遗失"),
        tried: text("已退款，客户不接受"),
        expectation: text("赔偿误工"),
        report: None,
    }
}

fn report() -> ExecutiveReport {
    ExecutiveReport {
        background: text("大促期间"),
        process: text("两次协商"),
        problem: text("客户联系媒体"),
        solution: text("高层致电"),
    }
}

/// Drives a fresh case to the proposal stage within its first hour.
fn investigated(standing: Standing, now: &str) -> Story {
    let mut story = Story::start(standing, now);
    let decider = match standing.tier {
        Tier::FrontLine => AGENT,
        Tier::EscalationTeam => TEAM,
        Tier::Executive => BOSS,
    };
    story.must(AGENT, accept()).must(AGENT, assign());
    if standing.executive_review || standing.needs_triage {
        story.must(BOSS, review());
    }
    story.must(AGENT, investigate());
    story.must(AGENT, opine("物流合作部")).must(HEAD, opine("客户服务中心"));
    story.must(decider, conclude());
    story
}
