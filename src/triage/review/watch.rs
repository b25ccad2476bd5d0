//! The watch over clusters of complaints: how many people complain about every category, product
//! and shop, and whether that is more than usual.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::registry::Digest;
use crate::store::{AlertKind, Cluster, ComplainantCount, Job};
use crate::triage::{Desk, DeskError};
use crate::watch::{History, Parameters, Window, judge};

/// How often the watch looks, and how long a replica has for it.
const LOOK_EVERY: Duration = Duration::from_mins(10);

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
        let n_windows = parameters.n_windows();
        let mut n_new = 0;
        for kind in AlertKind::ALL {
            let (subjects, firm) = self.count_windows(kind, now, n_windows).await?;
            for (subject, counts) in subjects {
                let windows = counts.iter().zip(&firm);
                let windows: Vec<Window> =
                    windows.map(|(&subject, &firm)| Window { subject, firm }).collect();
                let judgement = judge(parameters, &windows);
                if !judgement.is_alarm() {
                    continue;
                }
                let cluster = Cluster {
                    id: alert_id(kind, &subject, now),
                    kind,
                    subject,
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
        let (subjects, mut firm) = self.count_windows(kind, now, n_windows).await?;
        let oldest_first = |mut counts: Vec<u32>| {
            counts.reverse();
            counts
        };
        firm.reverse();
        Ok(History { subjects: subjects.into_values().map(oldest_first).collect(), firm })
    }

    /// Distinct complainants of every subject and of the firm by window, the last first.
    async fn count_windows(
        &self,
        kind: AlertKind,
        now: Timestamp,
        n_windows: u32,
    ) -> Result<(BTreeMap<String, Vec<u32>>, Vec<u32>), DeskError> {
        let windows = (window(&self.engine.knowledge().watch), n_windows);
        let none = || vec![0; n_windows as usize];
        let mut firm = none();
        for count in self.store.count_complainants(None, now, windows).await? {
            put(&mut firm, &count);
        }
        let mut subjects: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for count in self.store.count_complainants(Some(kind), now, windows).await? {
            let subject = count.subject.clone().unwrap_or_default();
            put(subjects.entry(subject).or_insert_with(none), &count);
        }
        Ok((subjects, firm))
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
