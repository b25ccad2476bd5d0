//! The road from intake to archive, for each tier and with its detours.

use crate::cases::tests::{
    AGENT, BOSS, DIRECTOR, HEAD, LEAD, PLAIN, Story, TEAM, accept, archive, assign, contact,
    execute, form, investigate, investigated, offer, propose, report, review, text, undelivered,
};
use crate::cases::{
    Command, ContactPurpose, EscalationForm, Liability, Life, Move, Proposal, RefusalReason, Stage,
    Standing,
};
use crate::domain::{StaffRole, Tier};

#[track_caller]
fn refused(story: &mut Story, who: (&str, StaffRole), command: Command) -> RefusalReason {
    let before = story.life.clone();
    let refusal = story.ask(who, command).expect_err("it is not possible");
    assert_eq!(refusal.stage, before.stage());
    assert_eq!(story.life, before, "a refusal changes nothing");
    refusal.reason
}

#[test]
fn an_ordinary_case_goes_from_intake_to_archive() {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    assert_eq!(story.life.owner(), Some(AGENT.0), "who took it in stays its owner");
    story.must(AGENT, propose()).must(AGENT, Command::Choose { offer: 0 });
    story.must(LEAD, Command::Approve).must(AGENT, execute());
    story.must(AGENT, contact(ContactPurpose::Result, true));
    story.must(AGENT, Command::Confirm { satisfaction: Some(5) }).must(AGENT, archive());
    assert_eq!(story.life.stage(), Stage::Archived);
    assert_eq!(story.life.satisfaction(), Some(5));
    let investigation = story.life.investigation().expect("it was investigated");
    let conclusion = Some((Liability::ThirdParty, text(AGENT.0)));
    assert_eq!(investigation.conclusion, conclusion, "the decision has one name");
    assert_eq!(Life::fold(&story.records).as_ref(), Ok(&story.life));
    assert_eq!(story.life.legal_moves(), [Move::Reopen]);
}

#[test]
fn what_a_person_must_review_first_is_reviewed_first() {
    let unsure = Standing { needs_triage: true, ..PLAIN };
    let mut story = Story::start(unsure, "2026-03-09 10:00");
    story.must(AGENT, accept()).must(AGENT, assign());
    assert_eq!(refused(&mut story, AGENT, investigate()), RefusalReason::ReviewDue);
    assert!(!story.life.legal_moves().contains(&Move::Investigate));
    story.must(LEAD, review()).must(AGENT, investigate());

    let grave = Standing { executive_review: true, tier: Tier::Executive, ..PLAIN };
    let mut story = Story::start(grave, "2026-03-09 10:00");
    story.must(AGENT, accept()).must(AGENT, assign());
    assert_eq!(refused(&mut story, LEAD, review()), RefusalReason::ExecutiveReviewDue);
    story.must(BOSS, review()).must(AGENT, investigate());
    assert_eq!(story.life.stage(), Stage::Investigation);
}

#[test]
fn a_conclusion_waits_for_every_department() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, accept()).must(AGENT, assign()).must(AGENT, investigate());
    let stranger = Command::Opine { department: text("法务部"), opinion: text("与我无关") };
    assert_eq!(
        refused(&mut story, AGENT, stranger),
        RefusalReason::UnknownDepartment(text("法务部"))
    );
    let one = Command::Opine { department: text("物流合作部"), opinion: text("中转遗失") };
    story.must(AGENT, one);
    let early = Command::Conclude {
        liability: Liability::Mixed,
        findings: text("中转遗失"),
        claim: undelivered(),
    };
    let silent = RefusalReason::OpinionsMissing(vec![text("客户服务中心")]);
    assert_eq!(refused(&mut story, AGENT, early), silent);
}

#[test]
fn a_special_case_takes_two_approvals_in_order() {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, propose()).must(AGENT, Command::Choose { offer: 1 });
    let order = RefusalReason::ApprovalOrder(StaffRole::DepartmentHead);
    assert_eq!(refused(&mut story, DIRECTOR, Command::Approve), order);
    assert_eq!(refused(&mut story, LEAD, Command::Approve), order);
    story.must(HEAD, Command::Approve);
    assert_eq!(story.life.stage(), Stage::Approval, "one approval is not enough");
    let order = RefusalReason::ApprovalOrder(StaffRole::ServiceDirector);
    assert_eq!(refused(&mut story, HEAD, Command::Approve), order);
    story.must(DIRECTOR, Command::Approve);
    assert_eq!(story.life.stage(), Stage::Execution);
}

#[test]
fn nobody_approves_their_own_proposal() {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    story.must(HEAD, propose()).must(AGENT, Command::Choose { offer: 0 });
    assert_eq!(refused(&mut story, HEAD, Command::Approve), RefusalReason::OwnProposal);
    story.must(LEAD, Command::Approve);
}

#[test]
fn a_proposal_is_revised_twice_at_most() {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    let revise = || Command::Revise { reason: text("客户不接受") };
    let last_word = || Command::AnswerFinally {
        explanation: text("已尽最大努力"),
        recourse: text("可向 12315 申请调解"),
    };
    story.must(AGENT, propose());
    assert_eq!(refused(&mut story, TEAM, last_word()), RefusalReason::RevisionsLeft(2));
    story.must(AGENT, revise()).must(AGENT, propose());
    story.must(AGENT, revise()).must(AGENT, propose());
    assert_eq!(refused(&mut story, AGENT, revise()), RefusalReason::RevisionsUsedUp(2));
    assert!(matches!(refused(&mut story, AGENT, last_word()), RefusalReason::Role { .. }));
    story.must(TEAM, last_word());
    assert_eq!(story.life.stage(), Stage::Confirmation);
}

#[test]
fn a_refused_approval_goes_back_to_the_proposal() {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, propose()).must(AGENT, Command::Choose { offer: 1 });
    story.must(HEAD, Command::Approve);
    story.must(HEAD, Command::RefuseApproval { reason: text("超出标准") });
    assert_eq!(story.life.stage(), Stage::Proposal);
    let modest = Proposal { offers: vec![offer(399, None)] };
    story.must(AGENT, Command::Propose(modest)).must(AGENT, Command::Choose { offer: 0 });
    story.must(LEAD, Command::Approve);
    assert_eq!(story.life.stage(), Stage::Execution, "the first approval counts no more");
    let nothing = Command::Propose(Proposal { offers: Vec::new() });
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    assert_eq!(refused(&mut story, AGENT, nothing), RefusalReason::Missing(vec!["offers"]));
    story.must(AGENT, propose());
    let chosen = Command::Choose { offer: 2 };
    assert_eq!(refused(&mut story, AGENT, chosen), RefusalReason::NoSuchOffer(2));
}

/// A case that has been executed at noon of a Monday.
fn executed() -> Story {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, propose()).must(AGENT, Command::Choose { offer: 0 });
    story.must(LEAD, Command::Approve).at("2026-03-09 12:00").must(AGENT, execute());
    story
}

#[test]
fn a_case_is_closed_by_the_customer_and_never_by_a_click() {
    let unconfirmed = |made| RefusalReason::Unconfirmed { made, needed: 3 };
    let mut story = executed();
    assert_eq!(refused(&mut story, AGENT, archive()), unconfirmed(0));
    let silence = || contact(ContactPurpose::Confirmation, false);
    story.at("2026-03-10 09:00").must(AGENT, silence());
    story.at("2026-03-10 17:00").must(AGENT, silence());
    story.at("2026-03-11 23:59").must(AGENT, silence());
    assert_eq!(refused(&mut story, AGENT, archive()), unconfirmed(2), "twice on one day is once");
    story.at("2026-03-12 00:00").must(AGENT, silence());
    story.must(AGENT, archive());
    assert_eq!(story.life.stage(), Stage::Archived);

    // Who answers has not vanished, even without a word on the matter.
    let mut story = executed();
    story.at("2026-03-10 09:00").must(AGENT, silence());
    story.at("2026-03-11 09:00").must(AGENT, contact(ContactPurpose::Confirmation, true));
    story.at("2026-03-12 09:00").must(AGENT, silence());
    assert_eq!(refused(&mut story, AGENT, archive()), unconfirmed(1));
    let rating = Command::Confirm { satisfaction: Some(6) };
    assert_eq!(refused(&mut story, AGENT, rating), RefusalReason::Rating);
}

#[test]
fn a_customer_who_is_not_content_starts_a_new_round() {
    let mut story = executed();
    story.must(AGENT, Command::Dispute { reason: text("仍未到账") });
    assert_eq!(story.life.stage(), Stage::Investigation);
    assert_eq!(story.life.proposal(), None);
    let opinions = &story.life.investigation().expect("it was investigated").opinions;
    assert_eq!(opinions.len(), 2, "what departments said stays");
    let again = Command::Conclude {
        liability: Liability::Company,
        findings: text("退款失败"),
        claim: undelivered(),
    };
    story.must(AGENT, again).must(AGENT, propose()).must(AGENT, Command::Choose { offer: 0 });
    story.must(LEAD, Command::Approve).must(AGENT, execute());
    story.must(AGENT, Command::Confirm { satisfaction: None }).must(AGENT, archive());
    story.must(AGENT, Command::Reopen { reason: text("再次发生") });
    assert_eq!((story.life.stage(), story.life.n_reopened()), (Stage::Investigation, 1));
    assert_eq!(Life::fold(&story.records).as_ref(), Ok(&story.life));
}

#[test]
fn escalation_takes_a_full_form_and_executives_a_report() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    let escalate = |to, form| Command::Escalate { to, form };
    let blank = EscalationForm { tried: text(" "), ..EscalationForm::default() };
    let missing = RefusalReason::Missing(vec!["customer", "description", "tried", "expectation"]);
    let team = Tier::EscalationTeam;
    assert_eq!(refused(&mut story, AGENT, escalate(team, blank)), missing);
    let intake = ("xiao.liu", StaffRole::Intake);
    story.must(intake, escalate(team, form()));
    assert_eq!(story.life.tier(), team, "anyone may escalate up");
    let downwards = refused(&mut story, AGENT, escalate(Tier::FrontLine, form()));
    assert_eq!(downwards, RefusalReason::WrongTier(team));
    let missing = ["background", "process", "problem", "solution"];
    let RefusalReason::Missing(names) =
        refused(&mut story, AGENT, escalate(Tier::Executive, form()))
    else {
        panic!("the report is missing");
    };
    assert_eq!(names, missing.map(|name| format!("report.{name}")));
    let full = EscalationForm { report: Some(report()), ..form() };
    story.must(AGENT, escalate(Tier::Executive, full));
    assert!(!story.life.legal_moves().contains(&Move::Escalate));

    let back = || Command::SendBack { reason: text("按标准处理即可") };
    assert!(matches!(refused(&mut story, TEAM, back()), RefusalReason::Role { .. }));
    story.must(BOSS, back()).must(TEAM, back());
    assert_eq!(story.life.tier(), Tier::FrontLine);
    assert_eq!(refused(&mut story, TEAM, back()), RefusalReason::WrongTier(Tier::FrontLine));
}

#[test]
fn a_correction_takes_no_escalation_back() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, Command::Escalate { to: Tier::EscalationTeam, form: form() });
    story.correct(Standing { needs_triage: true, ..PLAIN });
    assert_eq!(story.life.tier(), Tier::EscalationTeam);
    story.correct(Standing { tier: Tier::Executive, ..PLAIN });
    assert_eq!(story.life.tier(), Tier::Executive);
    story.correct(PLAIN);
    assert_eq!(story.life.tier(), Tier::EscalationTeam, "the escalation stands");
}

#[test]
fn each_tier_speaks_for_the_firm_itself() {
    for (tier, too_low, decider, approver) in [
        (Tier::EscalationTeam, AGENT, TEAM, HEAD),
        (Tier::Executive, HEAD, BOSS, ("wu.jing", StaffRole::Executive)),
    ] {
        let mut story = investigated(Standing { tier, ..PLAIN }, "2026-03-09 10:00");
        assert!(matches!(refused(&mut story, too_low, propose()), RefusalReason::Role { .. }));
        story.must(decider, propose()).must(AGENT, Command::Choose { offer: 0 });
        let too_low = refused(&mut story, too_low, Command::Approve);
        assert!(matches!(too_low, RefusalReason::Role { .. }));
        story.must(approver, Command::Approve).must(AGENT, execute());
        assert_eq!(story.life.stage(), Stage::Confirmation);
    }
}
