//! The watch over clusters of complaints: how many people complain about every category, product
//! and shop, and whether that is more than usual. Years before are read only while something
//! may be a cluster.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::registry::Digest;
use crate::store::{AlertKind, Cluster, ComplainantCount, Job};
use crate::triage::{Desk, DeskError};
use crate::watch::{History, Parameters, Season, Window, is_suspect, judge};

/// How often the watch looks, and how long a replica has for it.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// Distinct complainants about everything by window, the last first, by when they end.
type Firms = BTreeMap<Timestamp, Vec<u32>>;

/// Distinct complainants by window, the last first.
struct Counts {
    /// About each subject.
    subjects: BTreeMap<String, Vec<u32>>,
    /// About everything.
    firm: Vec<u32>,
}

impl Desk {
    /// Lets one of the replicas look for clusters, and says how many new alerts there are; nothing
    /// when it is not time yet, or another replica looks.
    pub async fn watch(&self, now: Timestamp) -> Result<Option<usize>, DeskError> {
        let until = now.checked_add(LOOK_EVERY).unwrap_or(Timestamp::MAX);
        if !self.store.lease_job(Job::Watch, now, until).await? {
            return Ok(None);
        }
        // What fails is due again when the lease ends, which is when the watch would look again.
        let n_new = self.look_for_clusters(now).await?;
        self.store.finish_job(Job::Watch, until, until).await?;
        Ok(Some(n_new))
    }

    async fn look_for_clusters(&self, now: Timestamp) -> Result<usize, DeskError> {
        let knowledge = self.engine.knowledge();
        let parameters = &knowledge.watch;
        let mut firms = Firms::new();
        let mut n_new = 0;
        for kind in AlertKind::ALL {
            let span = (now, parameters.n_windows());
            let counts = self.count_windows(kind, span, &mut firms).await?;
            let windows = counts.subjects.keys().map(|subject| (subject, counts.of(subject)));
            let suspects: Vec<_> =
                windows.filter(|(_, windows)| is_suspect(parameters, windows)).collect();
            if suspects.is_empty() {
                continue;
            }
            let ways = self.count_same_days(kind, now, &mut firms).await?;
            for (subject, windows) in suspects {
                let season = |years: &Vec<Counts>| {
                    let years: Vec<_> = years.iter().map(|it| it.of(subject)).collect();
                    Season::of(parameters, &years)
                };
                let seasons: Vec<_> = ways.iter().filter_map(season).collect();
                let judgement = judge(parameters, &windows, &seasons);
                if !judgement.is_alarm() {
                    continue;
                }
                let cluster = Cluster {
                    id: alert_id(kind, subject, now),
                    kind,
                    subject: subject.clone(),
                    seen_at: now,
                    window: window(parameters),
                    n_complainants: judgement.count,
                    expected: judgement.expected,
                    threshold: judgement.threshold,
                    quiet: SignedDuration::from_hours(parameters.quiet_hours.into()),
                };
                n_new += usize::from(self.store.put_cluster(cluster).await?);
            }
        }
        Ok(n_new)
    }

    /// What the stored cases of so many windows before now have been, to replay it.
    pub async fn history(
        &self,
        kind: AlertKind,
        now: Timestamp,
        n_windows: u32,
    ) -> Result<History, DeskError> {
        let counts = self.count_windows(kind, (now, n_windows), &mut Firms::new()).await?;
        let Counts { subjects, mut firm } = counts;
        let oldest_first = |mut counts: Vec<u32>| {
            counts.reverse();
            counts
        };
        firm.reverse();
        let subjects = subjects.into_values().map(oldest_first).collect();
        Ok(History { subjects, firm, last: self.engine.knowledge().calendar.date(now) })
    }

    /// Windows around and before the same day of years before, for each way to tell it.
    async fn count_same_days(
        &self,
        kind: AlertKind,
        now: Timestamp,
        firms: &mut Firms,
    ) -> Result<Vec<Vec<Counts>>, DeskError> {
        let knowledge = self.engine.knowledge();
        let parameters = &knowledge.watch;
        let day = knowledge.calendar.date(now);
        let mut ways = Vec::new();
        for days in parameters.same_days(day) {
            let mut years = Vec::new();
            for same in days {
                let n_between = i64::from(parameters.windows_between(same, day));
                let n_back = n_between - i64::from(parameters.season_reach());
                let ago = SignedDuration::from_hours(i64::from(parameters.window_hours) * n_back);
                let Ok(then) = now.checked_sub(ago) else { continue };
                let span = (then, parameters.n_season_windows());
                years.push(self.count_windows(kind, span, firms).await?);
            }
            ways.push(years);
        }
        Ok(ways)
    }

    /// Distinct complainants of every subject and of the firm in so many windows before a moment,
    /// the last first. Those of the firm are counted once.
    async fn count_windows(
        &self,
        kind: AlertKind,
        (now, n_windows): (Timestamp, u32),
        firms: &mut Firms,
    ) -> Result<Counts, DeskError> {
        let windows = (window(&self.engine.knowledge().watch), n_windows);
        let none = || vec![0; n_windows as usize];
        let firm = match firms.entry(now) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => {
                let mut firm = none();
                for count in self.store.count_complainants(None, now, windows).await? {
                    put(&mut firm, &count);
                }
                entry.insert(firm).clone()
            }
        };
        let mut subjects: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for count in self.store.count_complainants(Some(kind), now, windows).await? {
            let subject = count.subject.clone().unwrap_or_default();
            put(subjects.entry(subject).or_insert_with(none), &count);
        }
        Ok(Counts { subjects, firm })
    }
}

impl Counts {
    /// The windows of a subject.
    fn of(&self, subject: &str) -> Vec<Window> {
        let counts = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        let counts = counts.iter().copied().chain(std::iter::repeat(0));
        let windows = counts.zip(&self.firm);
        windows.map(|(subject, &firm)| Window { subject, firm }).collect()
    }
}

fn window(parameters: &Parameters) -> SignedDuration {
    SignedDuration::from_hours(parameters.window_hours.into())
}

fn put(windows: &mut [u32], count: &ComplainantCount) {
    if let Some(window) = windows.get_mut(count.window_idx as usize) {
        *window = count.n_complainants;
    }
}

/// An id that sorts by time. It follows from what the alert is about, so that no randomness is
/// needed and nothing else has it.
fn alert_id(kind: AlertKind, subject: &str, now: Timestamp) -> Uuid {
    let digest = Digest::of(format!("{} {subject}", kind.as_str()).as_bytes()).to_string();
    let digits: String = digest.chars().filter(char::is_ascii_hexdigit).take(20).collect();
    let mut bytes = [0; 10];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).expect("hexadecimal digits are ASCII");
        *byte = u8::from_str_radix(pair, 16).expect("two hexadecimal digits");
    }
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid()
}
