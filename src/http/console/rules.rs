//! 规则: what overrides the model, and the tests that each rule carries: complaints that it must fire
//! on and complaints that it must not, with their outcome.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};

use crate::domain::RuleId;
use crate::http::Service;
use crate::http::console::layout::{Page, Section};
use crate::http::console::visitor::Visitor;
use crate::http::console::{Failure, prose, words};
use crate::rules::{Rule, Trial};
use crate::triage::Knowledge;

/// Shows a rule with its tests.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let rule = knowledge.rules.iter().find(|rule| rule.id.as_str() == id);
    let rule = rule.ok_or(Failure::Missing)?;
    let (firing, silent): (Vec<&Trial>, Vec<&Trial>) =
        knowledge.rules.trials(&rule.id).partition(|trial| trial.expected);
    let body = html! {
        div.head {
            div { h1 { (rule.name) } span.soft { a href="/console/models" { "模型与规则" } " · " (rule.id) } }
            div.tags { span.tag { (rule.kind.title()) } (effect(rule, &knowledge)) }
        }
        section.card {
            p { (rule.reason) }
            p.soft {
                "负责：" (rule.owner)
                @if let Some(from) = rule.effective_from { " · " (words::date(from)) " 起" }
                @if let Some(until) = rule.effective_until { " · 至 " (words::date(until)) }
                " · 规则版本 " (knowledge.rules.version())
            }
        }
        div.half {
            section.card { h2 { "必须触发 " (outcome(&firing)) } (trials(&firing)) }
            section.card { h2 { "不得触发 " (outcome(&silent)) } (trials(&silent)) }
        }
        p.soft { "每次上线新的规则或模型，都先跑完全部测试；有一条不过就不会生效。" }
    };
    Ok(Page { title: &rule.name, section: Section::Models, visitor: &visitor, body }.respond())
}

fn trials(trials: &[&Trial]) -> Markup {
    html! {
        ul.plain.trials {
            @for trial in trials {
                li {
                    @if trial.passed() { span.tag.good { "通过" } } @else { span.tag.rank-3 { "未过" } }
                    span { (prose::visible(&trial.text)) }
                }
            }
        }
    }
}

/// How many tests hold.
fn outcome(trials: &[&Trial]) -> Markup {
    let n_passed = trials.iter().filter(|trial| trial.passed()).count();
    html! { span.soft { (n_passed) "/" (trials.len()) } }
}

/// Every rule with the outcome of its tests.
pub(super) fn table(knowledge: &Knowledge) -> Markup {
    html! {
        table.stack {
            thead { tr { th { "规则" } th { "为何重要" } th { "作用" } th { "负责" } th { "测试" } } }
            tbody {
                @for rule in knowledge.rules.iter() {
                    @let path = format!("/console/models/rules/{}", rule.id);
                    tr {
                        td { a href=(path) { (rule.name) } br; small { (rule.id) } }
                        td { (rule.reason) }
                        td { (effect(rule, knowledge)) }
                        td { (rule.owner) }
                        td.acts { (tested(&rule.id, knowledge)) }
                    }
                }
            }
        }
    }
}

fn tested(rule: &RuleId, knowledge: &Knowledge) -> Markup {
    let trials: Vec<&Trial> = knowledge.rules.trials(rule).collect();
    let all_hold = trials.iter().all(|trial| trial.passed());
    html! {
        span.tag.good[all_hold].rank-3[!all_hold] {
            (trials.iter().filter(|trial| trial.passed()).count()) "/" (trials.len()) " 通过"
        }
    }
}

/// What a rule does when it fires.
fn effect(rule: &Rule, knowledge: &Knowledge) -> Markup {
    let heads = knowledge.taxonomy.heads().iter().flat_map(|head| &head.labels);
    let mut labels = heads.filter(|label| Some(&label.id) == rule.effect.severity.as_ref());
    html! {
        @if let Some(severity) = labels.next() { span.tag { "不低于" (severity.name) } " " }
        @if rule.effect.executive_review { span.tag.executive { "高层评审" } }
    }
}
