//! Finds likely label errors from out-of-fold probabilities by confident learning (Northcutt, Jiang
//! and Chuang 2021): a text counts for another label where that label's probability reaches its own
//! mean among the texts that carry it.

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::Choice;
use serde::Serialize;

/// A label that is probably wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Doubt {
    /// The text's position.
    #[serde(skip)]
    pub text: usize,
    /// The head.
    pub head: String,
    /// The given labels.
    pub given: Vec<String>,
    /// The labels that the models suggest.
    pub suggested: Vec<String>,
    /// How probable the given label is; of a doubted signal, how probable its given presence or
    /// absence is.
    pub given_probability: f32,
    /// The same for the suggestion.
    pub suggested_probability: f32,
    /// Why it is doubted, in words.
    pub reason: String,
}

/// Every doubt about a head's labels, the worst first.
pub fn doubts(head: &Head, choices: &[Choice], labels: &[Option<Vec<usize>>]) -> Vec<Doubt> {
    let mut doubts = match head.kind {
        HeadKind::MultiClass | HeadKind::Ordinal => single_label(head, choices, labels),
        HeadKind::MultiLabel => multi_label(head, choices, labels),
    };
    let margin = |doubt: &Doubt| doubt.suggested_probability - doubt.given_probability;
    doubts.sort_by(|a, b| margin(b).total_cmp(&margin(a)).then(a.text.cmp(&b.text)));
    doubts
}

fn single_label(head: &Head, choices: &[Choice], labels: &[Option<Vec<usize>>]) -> Vec<Doubt> {
    let labelled = || {
        let rows = choices.iter().zip(labels).enumerate();
        rows.filter_map(|(text, (choice, labels))| {
            Some((text, &choice.probabilities, *labels.as_ref()?.first()?))
        })
    };
    let thresholds = mean_self_confidence(
        head.labels.len(),
        labelled().map(|(_, probabilities, given)| (given, probabilities[given])),
    );
    let name = |label: usize| head.labels[label].id.to_string();
    labelled()
        .filter_map(|(text, probabilities, given)| {
            let confident = |label: &usize| thresholds[*label] <= probabilities[*label];
            let suggested = (0..probabilities.len())
                .filter(confident)
                .max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))?;
            (suggested != given).then(|| Doubt {
                text,
                head: head.id.to_string(),
                given: vec![name(given)],
                suggested: vec![name(suggested)],
                given_probability: probabilities[given],
                suggested_probability: probabilities[suggested],
                reason: format!(
                    "`{}` at {:.2} reaches the {:.2} that texts of that label have on average; the given `{}` has {:.2}",
                    name(suggested),
                    probabilities[suggested],
                    thresholds[suggested],
                    name(given),
                    probabilities[given]
                ),
            })
        })
        .collect()
}

/// Every label on its own: present or absent.
fn multi_label(head: &Head, choices: &[Choice], labels: &[Option<Vec<usize>>]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (label, definition) in head.labels.iter().enumerate() {
        let rows = || {
            let rows = choices.iter().zip(labels).enumerate();
            rows.filter_map(move |(text, (choice, labels))| {
                let labels = labels.as_ref()?;
                Some((text, choice.probabilities[label], labels, labels.contains(&label)))
            })
        };
        let of = |p: f32, is_present: bool| if is_present { p } else { 1.0 - p };
        let thresholds = mean_self_confidence(
            2,
            rows().map(|(_, p, _, is_given)| (usize::from(is_given), of(p, is_given))),
        );
        for (text, p, given, is_given) in rows() {
            let (for_given, against) = (of(p, is_given), of(p, !is_given));
            if against < thresholds[usize::from(!is_given)] || against <= for_given {
                continue;
            }
            let mut suggested = given.clone();
            suggested.retain(|&other| other != label);
            if !is_given {
                suggested.push(label);
            }
            suggested.sort_unstable();
            let names = |labels: &[usize]| {
                labels.iter().map(|&label| head.labels[label].id.to_string()).collect()
            };
            let (verb, id) = (if is_given { "is given" } else { "is missing" }, &definition.id);
            doubts.push(Doubt {
                text,
                head: head.id.to_string(),
                given: names(given),
                suggested: names(&suggested),
                given_probability: for_given,
                suggested_probability: against,
                reason: format!("`{id}` {verb}, and the models hold {against:.2} against that"),
            });
        }
    }
    doubts
}

/// The mean probability of a label among the texts that carry it; nothing reaches the threshold of
/// a label that no text carries.
fn mean_self_confidence(n_labels: usize, given: impl Iterator<Item = (usize, f32)>) -> Vec<f32> {
    let mut sums = vec![(0.0, 0.0); n_labels];
    for (label, probability) in given {
        sums[label].0 += probability;
        sums[label].1 += 1.0;
    }
    sums.iter().map(|&(sum, n)| if n == 0.0 { f32::INFINITY } else { sum / n }).collect()
}

#[cfg(test)]
mod tests {
    use fenzhen::domain::LabelDefinition;

    use super::*;

    fn head(kind: HeadKind) -> Head {
        let labels = ["a", "b", "c"];
        let define = |id: &str| LabelDefinition { id: id.parse().unwrap(), name: id.to_owned() };
        Head {
            id: "h".parse().unwrap(),
            name: "h".to_owned(),
            kind,
            labels: labels.into_iter().map(define).collect(),
        }
    }

    fn choice(probabilities: [f32; 3]) -> Choice {
        Choice { probabilities: probabilities.to_vec(), chosen: vec![0], abstains: false }
    }

    /// The example: `b` texts are answered with 0.6 on average, so 0.7 for `b` is a doubt about an
    /// `a`, and 0.45 for `b` is none though it is the most probable label.
    #[test]
    fn a_label_is_doubted_where_another_is_as_sure_as_among_its_own() {
        let choices = [
            choice([0.9, 0.1, 0.0]),
            choice([0.4, 0.5, 0.1]),
            choice([0.3, 0.7, 0.0]),
            choice([0.2, 0.7, 0.1]),
            choice([0.35, 0.45, 0.2]),
            choice([0.1, 0.9, 0.0]),
        ];
        let given = [Some(0), Some(1), Some(1), Some(0), Some(0), None];
        let labels: Vec<_> = given.into_iter().map(|label| label.map(|it| vec![it])).collect();
        let doubts = doubts(&head(HeadKind::MultiClass), &choices, &labels);
        assert_eq!(doubts.iter().map(|doubt| doubt.text).collect::<Vec<_>>(), [3]);
        assert_eq!((doubts[0].given[0].as_str(), doubts[0].suggested[0].as_str()), ("a", "b"));
    }

    #[test]
    fn missing_and_superfluous_signals_are_doubted_one_by_one() {
        let choices = [
            choice([0.95, 0.0, 0.0]),
            choice([0.9, 0.0, 0.0]),
            choice([0.97, 0.0, 0.0]),
            choice([0.01, 0.0, 0.0]),
            choice([0.02, 0.9, 0.0]),
        ];
        let labels = [vec![0], vec![0], vec![], vec![], vec![0, 1]].map(Some);
        let doubts = doubts(&head(HeadKind::MultiLabel), &choices, &labels);
        let told: Vec<_> = doubts.iter().map(|it| (it.text, it.suggested.concat())).collect();
        assert_eq!(told, [(4, "b".to_owned()), (2, "a".to_owned())]);
    }
}
