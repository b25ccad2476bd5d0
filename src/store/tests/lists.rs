//! Lists of work: what a filter lets through, in which order, page by page; and who owns what.

use jiff::SignedDuration;

use crate::domain::{Channel, QueueId, Tier};
use crate::store::tests::{case, id, insert, minutes_later, noon, on_both_engines};
use crate::store::{
    AlertKind, CaseFilter, Cluster, NewCase, Owner, QueueCursor, Store, WorkFilter,
};

on_both_engines!(
    work_is_filtered_and_counted,
    pages_of_work_neither_repeat_nor_miss_cases,
    open_cases_are_counted_by_owner,
    an_alert_shows_the_cases_behind_it,
);

fn logistics() -> QueueId {
    "logistics".parse().expect("it is a name")
}

fn owned(number: u64, owner: Option<&str>) -> NewCase {
    NewCase { owner: owner.map(ToOwned::to_owned), ..case(number) }
}

async fn work_is_filtered_and_counted(store: Store) {
    let mut executive = owned(2, None);
    executive.triage.executive_review = true;
    executive.triage.tier = Tier::Executive;
    executive.triage.priority = 300.0;
    executive.triage.queue = "executive".parse().expect("it is a name");
    let mut unsure = owned(3, None);
    unsure.triage.needs_triage = true;
    unsure.triage.resolution_due_at = minutes_later(-5);
    unsure.complaint.channel = Some(Channel::Hotline);
    for case in [owned(1, Some("wang.fang")), executive, unsure] {
        insert(&store, case).await;
    }
    let all = WorkFilter::default;
    let here = || WorkFilter { queue: Some(logistics()), ..all() };
    let name = |it: &str| it.parse().expect("it is a name");
    for (filter, expected) in [
        (all(), &[2, 3, 1][..]),
        (here(), &[3, 1]),
        (WorkFilter { needs_triage: true, ..here() }, &[3]),
        (WorkFilter { executive: Some(vec!["received", "review"]), ..all() }, &[2]),
        (WorkFilter { executive: Some(vec!["review"]), ..all() }, &[]),
        (WorkFilter { channel: Some(Channel::Hotline), ..here() }, &[3]),
        (WorkFilter { tier: Some(Tier::Executive), ..all() }, &[2]),
        (WorkFilter { due_before: Some(noon()), ..all() }, &[3]),
        (WorkFilter { owner: Some(Owner::Nobody), ..all() }, &[2, 3]),
        (WorkFilter { owner: Some(Owner::Person("wang.fang".to_owned())), ..here() }, &[1]),
        (WorkFilter { severity: Some(name("normal")), ..here() }, &[3, 1]),
        (WorkFilter { category: Some(name("safety")), ..all() }, &[]),
    ] {
        let page = store.list_work(&filter, None, 10).await.expect("it can be listed");
        let ids: Vec<_> = page.items.iter().map(|case| case.record.id).collect();
        let expected: Vec<_> = expected.iter().map(|&number| id(number)).collect();
        assert_eq!(ids, expected, "{filter:?}");
        let n_cases = store.count_work(&filter, 10).await.expect("it can be counted");
        assert_eq!(n_cases, expected.len() as u64, "{filter:?}");
    }
    assert_eq!(store.count_work(&all(), 2).await.expect("it can be counted"), 2, "up to so many");
}

async fn pages_of_work_neither_repeat_nor_miss_cases(store: Store) {
    for number in 0..20 {
        let mut case = owned(number, None);
        case.triage.priority = (number % 3) as f64 / 3.0;
        case.triage.resolution_due_at = minutes_later((number % 4).cast_signed());
        insert(&store, case).await;
    }
    let filter = WorkFilter { owner: Some(Owner::Nobody), ..WorkFilter::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.list_work(&filter, after, 6).await.expect("it can be listed");
        seen.extend(page.items.iter().map(QueueCursor::after));
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    let key = |it: &QueueCursor| (-it.priority, it.due_at, it.id);
    assert!(seen.is_sorted_by(|one, other| key(one) < key(other)), "{seen:?}");
    assert_eq!(seen.len(), 20);
}

async fn open_cases_are_counted_by_owner(store: Store) {
    let mut elsewhere = owned(4, Some("han.mei"));
    elsewhere.triage.queue = "after_sales".parse().expect("it is a name");
    let here = [owned(1, Some("wang.fang")), owned(2, Some("wang.fang")), owned(3, None)];
    for case in here.into_iter().chain([elsewhere]) {
        insert(&store, case).await;
    }
    let queue = logistics();
    let count = async |queue| store.count_owners(queue).await.expect("they can be counted");
    let fang = ("wang.fang".to_owned(), 2);
    assert_eq!(count(Some(&queue)).await, std::slice::from_ref(&fang));
    assert_eq!(count(None).await, [("han.mei".to_owned(), 1), fang]);
}

async fn an_alert_shows_the_cases_behind_it(store: Store) {
    for (number, product) in [(1, Some("喵呜机")), (2, None), (3, Some("喵呜机"))] {
        let mut case = case(number);
        case.elements.product = product.map(ToOwned::to_owned);
        insert(&store, case).await;
    }
    let cluster = Cluster {
        id: id(9_000),
        kind: AlertKind::Product,
        subject: "喵呜机".to_owned(),
        seen_at: noon(),
        window: SignedDuration::from_hours(24),
        n_complainants: 2,
        expected: 0.1,
        threshold: 2,
        quiet: SignedDuration::from_hours(24),
    };
    assert!(store.put_cluster(cluster).await.expect("it is written"));
    let filter = CaseFilter { alert: Some(id(9_000)), ..CaseFilter::default() };
    let page = store.list_cases(&filter, None, 10).await.expect("they can be listed");
    let ids: Vec<_> = page.items.iter().map(|case| case.record.id).collect();
    assert_eq!(ids, [3, 1].map(id));
}
