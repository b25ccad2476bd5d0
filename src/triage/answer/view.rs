//! Builds an answer from a classification and the text that it is about.

use crate::domain::{
    Deadline, DeadlineKind, Evidence, Head, HeadPrediction, LabelDefinition, LabelId, PriorityTerm,
    Reason, Role, RuleId, Span,
};
use crate::rules::Hit;
use crate::text::Facts;
use crate::triage::Classification;
use crate::triage::answer::{
    Alternative, AmountAnswer, Answer, CategoryAnswer, DeadlineAnswer, DeadlinesAnswer,
    DecisionAnswer, EvidenceAnswer, FactsAnswer, FiredRule, LabelAnswer, ModelAnswer,
    PriorityTermAnswer, ReasonAnswer, RulesAnswer, SeverityAnswer, SignalAnswer,
};

/// How many other categories an answer names.
const N_ALTERNATIVES: usize = 2;

impl<'a> Answer<'a> {
    /// Shows a classification of `text`.
    pub fn new(text: &'a str, classification: &'a Classification) -> Self {
        let view = View { text, classification };
        Self {
            category: view.category(),
            severity: view.severity(),
            sentiment: view.sentiment(),
            signals: view.signals(),
            facts: view.facts(&classification.facts),
            decision: view.decision(),
            rules: RulesAnswer {
                version: classification.knowledge.rules.version(),
                fired: classification.hits.iter().map(|hit| view.fired(hit)).collect(),
            },
            model: ModelAnswer {
                version: classification.model_version(),
                cascade: classification.is_cascaded,
            },
            fallback: classification.is_fallback(),
        }
    }
}

/// Builds the parts of an answer.
#[derive(Clone, Copy)]
struct View<'a> {
    text: &'a str,
    classification: &'a Classification,
}

impl<'a> View<'a> {
    fn predicted(self, role: Role) -> Option<(&'a Head, &'a HeadPrediction)> {
        self.classification.prediction.as_ref()?.role(role)
    }

    fn evidence(self, span: Span) -> EvidenceAnswer<'a> {
        let (start, end) = span.chars_in(self.text);
        EvidenceAnswer { start, end, text: span.slice(self.text) }
    }

    fn label_evidence(self, answer: &HeadPrediction, label_idx: usize) -> Vec<EvidenceAnswer<'a>> {
        let of_label = |evidence: &&Evidence| evidence.label_idx == label_idx;
        answer.evidence.iter().filter(of_label).map(|it| self.evidence(it.span)).collect()
    }

    fn definition(self, role: Role, id: &str) -> Option<&'a LabelDefinition> {
        let (_, head) = self.classification.knowledge.taxonomy.role(role)?;
        head.labels.iter().find(|label| label.id.as_str() == id)
    }

    fn category(self) -> Option<CategoryAnswer<'a>> {
        let chosen = self.classification.decision.category.as_ref()?;
        let label = self.definition(Role::Category, chosen.as_str())?;
        let Some((head, answer)) = self.predicted(Role::Category) else {
            return Some(CategoryAnswer {
                label: label.id.as_str(),
                name: &label.name,
                confidence: None,
                alternatives: Vec::new(),
                evidence: Vec::new(),
            });
        };
        let label_idx = head.label_idx(chosen.as_str())?;
        let predicted = answer.chosen.first() == Some(&label_idx);
        let mut others: Vec<usize> = (0..head.labels.len()).filter(|&it| it != label_idx).collect();
        others.sort_by(|&a, &b| answer.probabilities[b].total_cmp(&answer.probabilities[a]));
        let alternative = |&label_idx: &usize| Alternative {
            label: head.labels[label_idx].id.as_str(),
            name: &head.labels[label_idx].name,
            confidence: answer.probabilities[label_idx],
        };
        Some(CategoryAnswer {
            label: label.id.as_str(),
            name: &label.name,
            confidence: predicted.then(|| answer.probabilities[label_idx]),
            alternatives: others.iter().take(N_ALTERNATIVES).map(alternative).collect(),
            evidence: self.label_evidence(answer, label_idx),
        })
    }

    fn severity(self) -> SeverityAnswer<'a> {
        let severity = &self.classification.decision.severity;
        let name = self
            .definition(Role::Severity, severity.label.as_str())
            .map_or(severity.label.as_str(), |label| &label.name);
        let answer = self.predicted(Role::Severity).map(|(_, answer)| answer);
        let label_idx = answer.and_then(|answer| answer.chosen.first().copied());
        SeverityAnswer {
            label: severity.label.as_str(),
            name,
            predicted: severity.predicted.as_ref().map(LabelId::as_str),
            confidence: answer.zip(label_idx).map(|(answer, idx)| answer.probabilities[idx]),
            raised_by: severity.raised_by.iter().map(RuleId::as_str).collect(),
            evidence: answer
                .zip(label_idx)
                .map_or_else(Vec::new, |(answer, idx)| self.label_evidence(answer, idx)),
        }
    }

    fn sentiment(self) -> Option<LabelAnswer<'a>> {
        let (head, answer) = self.predicted(Role::Sentiment)?;
        let &label_idx = answer.chosen.first()?;
        let label = &head.labels[label_idx];
        Some(LabelAnswer {
            label: label.id.as_str(),
            name: &label.name,
            confidence: answer.probabilities[label_idx],
            evidence: self.label_evidence(answer, label_idx),
        })
    }

    /// Every signal that the model or a rule found, in the order of the taxonomy.
    fn signals(self) -> Vec<SignalAnswer<'a>> {
        let knowledge = &self.classification.knowledge;
        let Some((_, head)) = knowledge.taxonomy.role(Role::Signals) else {
            return Vec::new();
        };
        let answer = self.predicted(Role::Signals).map(|(_, answer)| answer);
        let signal = |(label_idx, label): (usize, &'a LabelDefinition)| {
            let predicted = answer.is_some_and(|answer| answer.chosen.contains(&label_idx));
            let hits = self.classification.hits.iter();
            let hits: Vec<&Hit> =
                hits.filter(|hit| hit.effect.signals.contains(&label.id)).collect();
            if !predicted && hits.is_empty() {
                return None;
            }
            let mut evidence: Vec<EvidenceAnswer<'a>> = answer
                .filter(|_| predicted)
                .map_or_else(Vec::new, |answer| self.label_evidence(answer, label_idx));
            for span in hits.iter().flat_map(|hit| &hit.evidence) {
                let place = self.evidence(*span);
                let covers =
                    |it: &EvidenceAnswer<'_>| it.start <= place.start && place.end <= it.end;
                if !evidence.iter().any(covers) {
                    evidence.push(place);
                }
            }
            Some(SignalAnswer {
                label: label.id.as_str(),
                name: &label.name,
                confidence: answer.map(|answer| answer.probabilities[label_idx]),
                predicted,
                rules: hits.iter().map(|hit| hit.rule.as_str()).collect(),
                evidence,
            })
        };
        head.labels.iter().enumerate().filter_map(signal).collect()
    }

    fn facts(self, facts: &'a Facts) -> FactsAnswer<'a> {
        FactsAnswer {
            amounts: facts
                .amounts
                .iter()
                .map(|fact| AmountAnswer {
                    yuan: fact.amount.yuan(),
                    approximate: fact.approximate,
                    evidence: self.evidence(fact.span),
                })
                .collect(),
            dates: facts
                .dates
                .iter()
                .map(|fact| match fact.date() {
                    Some(date) => date.to_string(),
                    None => format!("{:02}-{:02}", fact.month, fact.day),
                })
                .collect(),
            order_numbers: facts.order_numbers.iter().map(|fact| fact.number.as_str()).collect(),
            prior_contacts: facts.prior_contacts.as_ref().map(|fact| fact.count),
            people: facts.people.as_ref().map(|fact| fact.count),
        }
    }

    fn decision(self) -> DecisionAnswer<'a> {
        let decision = &self.classification.decision;
        let policy = &self.classification.knowledge.policy;
        let term = |term: &'a PriorityTerm| PriorityTermAnswer {
            name: term.name,
            value: &term.value,
            points: term.points,
        };
        let reason = |reason: &'a Reason| ReasonAnswer {
            source: reason.source,
            code: &reason.code,
            message: &reason.message,
        };
        DecisionAnswer {
            queue: decision.queue.as_str(),
            queue_name: policy.find_queue(&decision.queue).map_or("", |queue| &queue.name),
            department: &decision.department,
            tier: decision.tier.into(),
            executive_review: decision.executive_review,
            needs_triage: decision.needs_triage,
            priority: decision.priority.score(),
            priority_terms: decision.priority.terms.iter().map(term).collect(),
            deadlines: deadlines(&decision.deadlines),
            reasons: decision.reasons.iter().map(reason).collect(),
        }
    }

    fn fired(self, hit: &'a Hit) -> FiredRule<'a> {
        FiredRule {
            id: hit.rule.as_str(),
            name: &hit.name,
            reason: &hit.reason,
            owner: &hit.owner,
            severity: hit.effect.severity.as_ref().map(LabelId::as_str),
            executive_review: hit.effect.executive_review,
            evidence: hit.evidence.iter().map(|&span| self.evidence(span)).collect(),
        }
    }
}

fn deadlines(deadlines: &[Deadline]) -> DeadlinesAnswer<'_> {
    let mut answer = DeadlinesAnswer::default();
    for deadline in deadlines {
        let shown = DeadlineAnswer {
            due_at: deadline.due_at,
            period: &deadline.period,
            provisional: deadline.provisional,
        };
        match deadline.kind {
            DeadlineKind::Acceptance => answer.acceptance = Some(shown),
            DeadlineKind::FirstResponse => answer.first_response = Some(shown),
            DeadlineKind::Resolution => answer.resolution = Some(shown),
        }
    }
    answer
}
