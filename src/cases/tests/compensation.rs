//! What customers are owed, with the figures of the law and of the firm's standards.

use crate::cases::tests::{
    AGENT, HANDBOOK, PLAIN, Story, accept, assign, investigated, offer, text, undelivered,
};
use crate::cases::{
    Claim, Command, Liability, Offer, Proposal, RefusalReason, Remedy, RemedyKind, Stage,
};
use crate::domain::Money;

fn yuan(text: &str) -> Money {
    text.parse().expect("a test's amount is well-formed")
}

fn claim(ground: &str, price: &str) -> Claim {
    Claim { grounds: vec![text(ground)], price: Some(yuan(price)), ..Claim::default() }
}

/// The amounts that a claim is worth, in the order of the standard's remedies.
#[track_caller]
fn check(claim: &Claim, amounts: &[&str]) -> Offer {
    let mut offers = HANDBOOK.compensation.draft(claim).expect("it is owed");
    assert_eq!(offers.len(), 1);
    let offer = offers.remove(0);
    let found: Vec<_> = offer.remedies.iter().map(|it| it.amount.expect("it is money")).collect();
    assert_eq!(found, amounts.iter().map(|it| yuan(it)).collect::<Vec<_>>());
    assert!(offer.remedies.iter().all(|it| it.basis.is_some()), "every amount has its basis");
    offer
}

#[test]
fn fraud_costs_three_prices_beside_the_refund_and_500_yuan_at_least() {
    check(&claim("fraud", "299"), &["299", "897"]);
    check(&claim("fraud", "166.67"), &["166.67", "500.01"]);
    check(&claim("fraud", "166.66"), &["166.66", "500"]);
    let offer = check(&claim("fraud", "9.9"), &["9.9", "500"]);
    assert_eq!(offer.total(), yuan("509.9"));
    let [refund, addition] = &offer.remedies[..] else { panic!("there are two") };
    assert_eq!((refund.kind, addition.kind), (RemedyKind::Refund, RemedyKind::Compensation));
    assert_eq!(addition.words, "退一赔三：500.00 元（不足 500.00 元的按 500.00 元）");
    assert_eq!(addition.basis.as_deref(), Some("《消费者权益保护法》第五十五条第一款"));
}

#[test]
fn unsafe_food_costs_ten_prices_or_three_losses_and_1000_yuan_at_least() {
    check(&claim("unsafe_food", "15.8"), &["15.8", "1000"]);
    let offer = check(&claim("unsafe_food", "128"), &["128", "1280"]);
    assert_eq!(offer.remedies[1].words, "退一赔十：1280.00 元（价款的 10 倍）");
    assert_eq!(offer.remedies[1].basis.as_deref(), Some("《食品安全法》第一百四十八条第二款"));
    let ill = Claim { loss: Some(yuan("600")), ..claim("unsafe_food", "15.8") };
    let offer = check(&ill, &["15.8", "1800"]);
    assert_eq!(offer.remedies[1].words, "退一赔十：1800.00 元（损失的 3 倍）");
    let label = Claim { exceptions: vec![text("harmless_label_flaw")], ..ill };
    let excepted = RefusalReason::Excepted(text("harmless_label_flaw"));
    assert_eq!(HANDBOOK.compensation.draft(&label), Err(excepted));
}

#[test]
fn a_delay_of_more_than_24_hours_costs_a_voucher_of_50_yuan() {
    let late =
        |delayed_hours| Claim { grounds: vec![text("delay")], delayed_hours, ..Claim::default() };
    let offer = check(&late(Some(25)), &["50"]);
    assert_eq!(offer.remedies[0].kind, RemedyKind::Voucher);
    let draft = |hours| HANDBOOK.compensation.draft(&late(hours));
    assert_eq!(draft(Some(24)), Err(RefusalReason::NotLate(24)));
    assert_eq!(draft(None), Err(RefusalReason::Missing(vec!["delayed_hours"])));
}

#[test]
fn a_claim_names_known_grounds_and_the_price_that_they_need() {
    let unknown = HANDBOOK.compensation.draft(&claim("bad_weather", "10"));
    assert!(matches!(unknown, Err(RefusalReason::UnknownGround(known)) if known.contains("fraud")));
    let priceless = Claim { price: None, ..claim("fraud", "10") };
    let missing = RefusalReason::Missing(vec!["price"]);
    assert_eq!(HANDBOOK.compensation.draft(&priceless), Err(missing));
    assert_eq!(HANDBOOK.compensation.draft(&Claim::default()), Ok(Vec::new()), "nothing is owed");
    let both = Claim { grounds: vec![text("fraud"), text("defect")], ..claim("", "100") };
    let drafted = HANDBOOK.compensation.draft(&both).expect("both are owed");
    let totals: Vec<_> = drafted.iter().map(Offer::total).collect();
    assert_eq!(totals, [yuan("600"), yuan("100")], "one offer for each ground");
}

/// What becomes of a single offer for a parcel of ¥399 that never came.
#[track_caller]
fn check_offer(amount: &str, special_case: Option<&str>, refused: Option<&RefusalReason>) {
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    assert_eq!(story.life.claim(), &undelivered());
    let mut only = offer(0, special_case);
    only.remedies[0].amount = Some(yuan(amount));
    let outcome = story.ask(AGENT, Command::Propose(Proposal { offers: vec![only] }));
    assert_eq!(outcome.as_ref().err().map(|refusal| &refusal.reason), refused, "{amount}");
}

#[test]
fn goodwill_goes_30_percent_above_the_standard_and_says_why() {
    check_offer("399", None, None);
    check_offer("399.01", None, Some(&RefusalReason::SpecialCaseDue(yuan("399"))));
    check_offer("518.70", Some("五年老客户"), None);
    let most = RefusalReason::AboveGoodwill(yuan("518.70"));
    check_offer("518.71", Some("五年老客户"), Some(&most));
    check_offer("450", Some("  "), Some(&RefusalReason::Missing(vec!["special_case"])));
    check_offer("398.99", None, Some(&RefusalReason::BelowStandard(yuan("399"))));
}

#[test]
fn who_is_owed_nothing_can_be_given_words_and_no_money() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, accept()).must(AGENT, assign());
    let departments = vec![text("客户服务中心")];
    story.must(AGENT, Command::Investigate { lead: text("赵敏"), departments });
    let opinion = text("客户误读说明");
    story.must(AGENT, Command::Opine { department: text("客户服务中心"), opinion });
    let findings = text("商品与描述一致");
    let (liability, claim) = (Liability::Customer, Claim::default());
    story.must(AGENT, Command::Conclude { liability, findings, claim });
    let money = Command::Propose(Proposal { offers: vec![offer(1, None)] });
    let refusal = story.ask(AGENT, money).expect_err("nothing is owed");
    assert_eq!(refusal.reason, RefusalReason::AboveGoodwill(yuan("0")));
    let apology =
        Remedy {
            kind: RemedyKind::Apology, amount: None, words: text("致歉并说明"), basis: None
        };
    let words = Offer { remedies: vec![apology], special_case: None };
    story.must(AGENT, Command::Propose(Proposal { offers: vec![words] }));
    assert_eq!(story.life.stage(), Stage::Negotiation);
}
