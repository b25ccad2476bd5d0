//! Whether a model measures up to the live one on the same texts.

use fenzhen::domain::Head;
use fenzhen::registry::Verdict;

use crate::dataset;
use crate::evaluation::{Comparison, Difference, HeadComparison, Measure, compare};
use crate::gate::{Check, Error, Limit, Model, Settings, TestSet};

impl Settings {
    /// Measures both models on a test set and checks every head of the live one.
    pub(super) fn compare(
        &self,
        live: &Model,
        candidate: &Model,
        set: &TestSet,
        checks: &mut Vec<Check>,
    ) -> Result<Option<(String, Comparison)>, Error> {
        let judged = live.judge_set(set);
        // A newer test set may have no label at all; the gold set must have some.
        if set.min_texts != 1 && matches!(&judged, Err(Error::Evaluation(_))) {
            let note = format!("no labelled text, and {} are asked for", set.min_texts);
            checks.push(Check::of(set.name.clone(), Verdict::Skip, note));
            return Ok(None);
        }
        let (live_judged, candidate_judged) = match (judged, candidate.judge_set(set)) {
            (Ok(live), Ok(candidate)) => (live, candidate),
            (Err(Error::Dataset(error @ dataset::Error::Mistakes(_))), _)
            | (_, Err(Error::Dataset(error @ dataset::Error::Mistakes(_)))) => {
                let note = format!("does not fit both models: {error}");
                checks.push(Check::of(set.name.clone(), Verdict::Fail, note));
                return Ok(None);
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let asked = self.evaluation(&live_judged);
        let comparison = match compare(&live_judged, &candidate_judged, &asked) {
            Ok(comparison) => comparison,
            Err(error) => {
                checks.push(Check::of(set.name.clone(), Verdict::Fail, error.to_string()));
                return Ok(None);
            }
        };
        for judged in &live_judged.heads {
            let n_texts = judged.answers.len();
            let head = &judged.head;
            let name = |what: &str| format!("{} {what}, {}", head.id, set.name);
            if n_texts < set.min_texts {
                let note = format!("{n_texts} labelled texts are fewer than {}", set.min_texts);
                checks.push(Check::of(name(self.limit(head).measure.name()), Verdict::Skip, note));
                continue;
            }
            let Some(compared) = comparison.heads.get(head.id.as_str()) else {
                let note = "cannot be compared: the labels differ".to_owned();
                checks.push(Check::of(name(self.limit(head).measure.name()), Verdict::Fail, note));
                continue;
            };
            for limit in self.limits(head) {
                let mut check = check(compared, limit);
                check.name = name(limit.measure.name());
                checks.push(check);
            }
        }
        Ok(Some((set.name.clone(), comparison)))
    }

    /// Everything that is measured of a head.
    fn limits(&self, head: &Head) -> Vec<Limit> {
        let mut limits = vec![self.limit(head)];
        if self.safety.heads.contains_key(head.id.as_str()) {
            limits.extend([
                Limit {
                    measure: Measure::SafetyRecallAsDecided,
                    tolerance: self.safety.tolerance_as_decided,
                },
                Limit { measure: Measure::SafetyRecall, tolerance: self.safety.tolerance_at_rate },
            ]);
        }
        limits
    }
}

fn check(compared: &HeadComparison, limit: Limit) -> Check {
    let Some(difference) = compared.measures.get(&limit.measure) else {
        return Check::of("", Verdict::Skip, "no text of these labels".to_owned());
    };
    let Difference { a, b, difference, interval } = *difference;
    let is_loss = limit.measure.is_loss();
    let worse_by = if is_loss { difference } else { -difference };
    // Sums of floats must not decide: a difference that equals the tolerance holds.
    let holds = worse_by <= limit.tolerance + 1e-9;
    Check {
        name: String::new(),
        verdict: if holds { Verdict::Pass } else { Verdict::Fail },
        live: Some(a),
        candidate: Some(b),
        interval,
        // Not negated: there is a negative zero, and people would read it.
        limit: Some(if is_loss { limit.tolerance } else { 0.0 - limit.tolerance }),
        note: String::new(),
    }
}
