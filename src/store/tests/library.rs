//! The case library: both engines find the same cases, in the same order, and what is opened
//! again is gone.

use uuid::Uuid;

use crate::domain::{Money, Tier};
use crate::store::tests::{case, id, insert, minutes_later, on_both_engines, postgres, sqlite};
use crate::store::{
    Archived, Count, LibraryChange, LibraryCursor, LibraryFilter, NewEntry, NewEvent, Progress,
    Revised, Store, StoredVector,
};

on_both_engines!(
    an_archived_case_is_found_until_it_is_opened_again,
    pages_of_the_library_neither_repeat_nor_miss_cases,
    filters_and_counts_are_exact,
    a_frequent_word_is_counted_up_to_a_thousand,
    vectors_belong_to_a_model_and_are_read_in_order,
);

/// What the case with this number says.
fn words(number: u64) -> String {
    let things = ["酸奶", "喵呜机", "快递", "手机壳", "APP退款"];
    let troubles = ["坏了", "没有动静", "漏了一地", "退款不到账", "客服不理人", "写着'不退'\\"];
    let thing = things[number as usize % things.len()];
    format!("{thing}{}，第{number}次投诉", troubles[number as usize % troubles.len()])
}

fn archived(number: u64) -> Archived {
    Archived {
        case_id: id(number),
        archived_at: minutes_later(20 * i64::try_from(number).expect("it is small")),
        received_at: minutes_later(0),
        settled_at: None,
        category: Some(["logistics", "城乡建设"][number as usize % 2].parse().expect("a name")),
        severity: ["low", "Normal/2.x", "high"][number as usize % 3].parse().expect("a name"),
        department: "物流合作部".to_owned(),
        liability: None,
        outcome: if number.is_multiple_of(4) { vec!["refund".to_owned()] } else { Vec::new() },
        compensation: Money::default(),
        refund: Money::default(),
        satisfaction: Some(4),
        n_reopened: 0,
        category_right: Some(true),
        severity_right: None,
        summary: "已退款".to_owned(),
    }
}

/// A move of a fresh case, which has version 1.
fn progress(case_id: Uuid, version: u32, library: LibraryChange) -> Progress {
    let event = crate::store::tests::intake(case(1)).event;
    Progress {
        case_id,
        version,
        status: "archived".to_owned(),
        is_open: false,
        tier: Tier::FrontLine,
        owner: None,
        first_due_at: minutes_later(30),
        resolution_due_at: minutes_later(60),
        alarm_at: None,
        events: vec![NewEvent { kind: "case.archived".to_owned(), ..event }],
        final_labels: None,
        library,
    }
}

async fn archive(store: &Store, number: u64) {
    let mut case = case(number);
    case.complaint.text = words(number).parse().expect("it is not blank");
    insert(store, case).await;
    let entry = NewEntry { archived: archived(number), terms: terms(&words(number)) };
    let progress = progress(id(number), 1, LibraryChange::Put(Box::new(entry)));
    assert_eq!(store.advance_case(progress).await.expect("it is current"), Revised::Done(2));
}

/// Leaves numbers out, so that a few entries lie as far apart as many would.
async fn skip_numbers(store: &Store, n_skipped: i64) {
    let query = sqlx::query("UPDATE archive_numbers SET last = last + $1").bind(n_skipped);
    query.execute(&store.write_pool).await.expect("it is a number");
}

/// Terms as the program makes them in earnest, near enough: characters and pairs of them.
fn terms(text: &str) -> Vec<String> {
    let characters: Vec<char> =
        text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let pairs = characters.windows(2).map(|pair| pair.iter().collect());
    characters.iter().map(char::to_string).chain(pairs).collect()
}

fn filter(query: &str) -> LibraryFilter {
    LibraryFilter { terms: terms(query), ..LibraryFilter::default() }
}

/// The ids that a filter lets through, read in pages.
async fn find(store: &Store, filter: &LibraryFilter, limit: u16) -> Vec<Uuid> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.search_library(filter, after, limit).await.expect("it can be read");
        found.extend(page.items.iter().map(|found| found.archived.case_id));
        let Some(next) = page.next else { return found };
        after = Some(next.to_string().parse::<LibraryCursor>().expect("a cursor reads back"));
    }
}

async fn an_archived_case_is_found_until_it_is_opened_again(store: Store) {
    archive(&store, 1).await;
    archive(&store, 2).await;
    let page = store.search_library(&filter("坏"), None, 9).await.expect("it can be read");
    assert!(page.items.is_empty());
    let page = store.search_library(&filter("喵呜机"), None, 9).await.expect("it can be read");
    assert_eq!(page.items[0].archived, archived(1));
    assert_eq!(page.items[0].text.as_str(), words(1));
    let removed = store.advance_case(progress(id(1), 2, LibraryChange::Remove)).await;
    assert_eq!(removed.expect("it is current"), Revised::Done(3));
    assert_eq!(find(&store, &filter("喵呜机"), 9).await, Vec::<Uuid>::new());
    assert_eq!(find(&store, &filter("投诉"), 9).await, [id(2)]);
    assert_eq!(store.last_archived().await.expect("it can be read"), 2);
    // An entry that changes keeps its number.
    let mut changed = archived(2);
    changed.category = Some("safety".parse().expect("it is a name"));
    let entry = NewEntry { archived: changed.clone(), terms: terms("改了") };
    let put = progress(id(2), 2, LibraryChange::Put(Box::new(entry)));
    store.advance_case(put).await.expect("it is current");
    assert_eq!(find(&store, &filter("投诉"), 9).await, Vec::<Uuid>::new());
    assert_eq!(find(&store, &filter("改了"), 9).await, [id(2)]);
    let by_category = LibraryFilter { category: changed.category, ..LibraryFilter::default() };
    assert_eq!(find(&store, &by_category, 9).await, [id(2)]);
    assert_eq!(store.last_archived().await.expect("it can be read"), 2);
}

async fn pages_of_the_library_neither_repeat_nor_miss_cases(store: Store) {
    for number in 1..=30 {
        archive(&store, number).await;
        // Blocks of numbers that one look finds all, some and nothing in.
        skip_numbers(&store, if number % 10 < 5 { 0 } else { 3_000 }).await;
    }
    let all: Vec<Uuid> = (1..=30).rev().map(id).collect();
    for limit in [1, 7, 29, 30, 31] {
        assert_eq!(find(&store, &filter("投诉"), limit).await, all, "pages of {limit}");
        assert_eq!(find(&store, &LibraryFilter::default(), limit).await, all);
    }
}

async fn filters_and_counts_are_exact(store: Store) {
    for number in 1..=24 {
        archive(&store, number).await;
        skip_numbers(&store, 10_000).await;
    }
    let parse = |name: &str| Some(name.parse().expect("it is a name"));
    let of = |numbers: &[u64]| numbers.iter().copied().map(id).collect::<Vec<_>>();
    let none = LibraryFilter::default;
    let cases = [
        (LibraryFilter { category: parse("城乡建设"), ..filter("酸奶") }, of(&[15, 5])),
        (LibraryFilter { severity: parse("Normal/2.x"), ..filter("退款") }, of(&[19, 4])),
        (LibraryFilter { outcome: Some("refund".to_owned()), ..filter("app") }, of(&[24, 4])),
        (LibraryFilter { outcome: Some("none".to_owned()), ..filter("app") }, of(&[19, 14, 9])),
        (LibraryFilter { from: Some(minutes_later(20 * 23)), ..none() }, of(&[24, 23])),
        (LibraryFilter { until: Some(minutes_later(20 * 3)), ..none() }, of(&[2, 1])),
        (
            LibraryFilter {
                from: Some(minutes_later(20 * 5)),
                until: Some(minutes_later(20 * 11)),
                ..filter("酸奶")
            },
            of(&[10, 5]),
        ),
        (LibraryFilter { from: Some(minutes_later(9_999)), ..none() }, of(&[])),
        (filter("不退"), of(&[23, 17, 11, 5])),
    ];
    for (filter, expected) in cases {
        assert_eq!(find(&store, &filter, 3).await, expected, "{filter:?}");
        let count = store.count_library(&filter).await.expect("it can be counted");
        assert_eq!(count, Count { value: expected.len() as u64, exact: true });
    }
}

async fn a_frequent_word_is_counted_up_to_a_thousand(store: Store) {
    for number in 1..=3 {
        archive(&store, number).await;
    }
    // Entries enough to count would take long to archive one by one.
    let sql = "INSERT INTO archive SELECT number + $1, case_id || number || '.' || $1, archived_at, \
               received_at, settled_at, category, severity, department, liability, outcome, \
               compensation_fen, refund_fen, satisfaction, n_reopened, category_right, \
               severity_right, summary, erased FROM archive WHERE number <= 3";
    for step in 1..=340_i64 {
        let query = sqlx::query(sql).bind(3 * step);
        query.execute(&store.write_pool).await.expect("it fits the table");
    }
    skip_numbers(&store, 3 * 340).await;
    let count = store.count_library(&LibraryFilter::default()).await.expect("it can be counted");
    assert_eq!(count, Count { value: 1000, exact: false });
}

async fn vectors_belong_to_a_model_and_are_read_in_order(store: Store) {
    let vector = |number: i64| StoredVector { number, vector: vec![0, 128, 255, number as u8] };
    for (model, numbers) in [(7, 5..9), (-7, 1..4), (7, 3..7)] {
        let vectors = numbers.map(vector).collect();
        store.insert_vectors(model, vectors).await.expect("they fit the table");
    }
    assert_eq!(store.vector_range(7).await.expect("it is read"), Some((3, 8)));
    assert_eq!(store.vector_range(8).await.expect("it is read"), None);
    let read = store.list_vectors(7, (4, 99), 3).await.expect("they are read");
    assert_eq!(read, [4, 5, 6].map(vector));
    assert_eq!(store.forget_vectors(7, 2).await.expect("they go"), 2);
    assert_eq!(store.vector_range(-7).await.expect("it is read"), Some((3, 3)));
    assert_eq!(store.forget_vectors(7, 9).await.expect("they go"), 1);
    assert_eq!(store.vector_range(7).await.expect("it is read"), Some((3, 8)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_answer_alike() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let Some(postgres) = postgres().await else { return };
    let sqlite = sqlite(&folder).await;
    for number in 1..=60 {
        archive(&sqlite, number).await;
        archive(&postgres, number).await;
    }
    for query in [
        "退",
        "退款",
        "酸奶 漏",
        "ＡＰＰ",
        "app退款",
        "12",
        "喵呜机",
        "“次投”",
        "没有动静",
        "客服不理人了",
    ] {
        let found = find(&sqlite, &filter(query), 7).await;
        assert_eq!(found, find(&postgres, &filter(query), 7).await, "{query}");
        let count = sqlite.count_library(&filter(query)).await.expect("it is counted");
        assert_eq!(count, postgres.count_library(&filter(query)).await.expect("it is counted"));
    }
}
