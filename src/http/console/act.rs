//! What forms do: the same use cases as the API, then back to where the person was. What could
//! not be done is shown on the case's page, in Chinese, with everything that is wrong.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{HeadKind, QueueId, Role, StaffRole};
use crate::http::Service;
use crate::http::console::form::{self, Fields};
use crate::http::console::visitor::{Posted, Visitor, by};
use crate::http::console::{Failure, case, layout, steps, tags, words};
use crate::store::Case;
use crate::triage::{CorrectionRequest, DeskError, Mistake, STEPS, Shared, StepRequest, Veil};

/// Corrects labels and route.
pub(super) async fn correct(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let body = posted.body();
    finish(&service, visitor, id, fields, correct_with(&service, id, body).await).await
}

/// Confirms the labels as they stand, or with another category: a person's word from now on.
pub(super) async fn confirm(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let case = service.desk.find_case(id).await?.ok_or(Failure::Missing)?;
    let mut labels = labels(&service, &case);
    let category = form::find(fields, "category");
    if let Some(category) = category {
        labels[Role::Category.head_name()] = category.into();
    }
    let version = form::find(fields, "n:version").and_then(|it| it.parse::<u32>().ok());
    let body = json!({
        "version": version,
        "by": by(&posted.actor()),
        "reason": if category.is_some() { "复核改类" } else { "复核确认" },
        "sure": 2,
        "labels": labels,
    });
    finish(&service, visitor, id, fields, correct_with(&service, id, body).await).await
}

/// Makes a move of the case's life.
pub(super) async fn step(
    State(service): State<Service>,
    Path((id, step)): Path<(Uuid, String)>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    if !STEPS.contains(&step.as_str()) {
        return Err(Failure::Missing);
    }
    let life = service.desk.case_life(id).await?.life;
    let knowledge = service.desk.engine().knowledge();
    let legal = life.legal_moves().into_iter();
    let allowed = legal.filter(|it| steps::path(*it) == step).flat_map(|it| it.roles(life.tier()));
    let allowed: Vec<StaffRole> = allowed.copied().collect();
    let mut body = posted.body_by(&visitor.sign(&allowed));
    if step == "proposals" {
        let compensation = &knowledge.handbook.compensation;
        let drafts = compensation.draft(life.claim()).unwrap_or_default();
        let drafts = serde_json::to_value(drafts).expect("offers are plain data");
        body = with_offers(body, fields, &drafts);
    }
    let outcome = match StepRequest::parse(&step, body, &knowledge) {
        Err(mistakes) => Err(Wrong::Mistakes(mistakes)),
        Ok(request) => {
            let done = service.desk.act(id, request, None, (service.clock)()).await;
            done.map(drop).map_err(Wrong::Desk)
        }
    };
    finish(&service, visitor, id, fields, outcome).await
}

/// Shows a case with its personal data to somebody who says why, once.
pub(super) async fn unmask(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let Some(reason) = form::find(fields, "reason") else {
        let problem = ("没有查看", vec!["请写明理由".to_owned()]);
        return case::page(&service, visitor, id, Some(problem)).await;
    };
    let actor = posted.actor();
    service.desk.unmask(id, actor, reason, (service.clock)()).await?;
    case::render(&service, visitor, id, &Veil::clear(), case::Asked::default()).await
}

/// Hands the chosen cases, or those that nobody owns, to whoever is free.
pub(super) async fn share(
    State(service): State<Service>,
    Path(queue): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let queue: QueueId = queue.parse().map_err(|_| Failure::Missing)?;
    if !visitor.sees_queue(&queue, &service.desk.engine().knowledge()) {
        return Err(Failure::NotAllowed);
    }
    let chosen: Vec<Uuid> = chosen(fields)?.into_iter().map(|(id, _)| id).collect();
    let actor = posted.actor();
    let shared = match service.desk.share_backlog(&queue, &chosen, &actor, (service.clock)()).await
    {
        Err(DeskError::NotAllowed(_)) => return Err(Failure::NotAllowed),
        shared => shared?,
    };
    let Shared { handed, n_left, n_moved } = shared;
    let n_handed: u32 = handed.values().sum();
    let numbers = [n_handed, n_left, n_moved].map(|it| it.to_string());
    let numbers: Vec<_> = ["handed", "left", "moved"].into_iter().zip(&numbers).collect();
    let numbers: Vec<_> = numbers.iter().map(|(name, number)| (*name, number.as_str())).collect();
    let own = format!("/console/queues/{queue}");
    let back = back(fields).unwrap_or(&own);
    Ok(Redirect::to(&form::address(back, &numbers)).into_response())
}

/// The cases that were ticked, with the versions that were read.
fn chosen(fields: &Fields) -> Result<Vec<(Uuid, u32)>, Failure> {
    let parse = |case: &str| {
        let (id, version) = case.split_once(':')?;
        Some((id.parse::<Uuid>().ok()?, version.parse::<u32>().ok()?))
    };
    let chosen = fields.iter().filter(|(name, _)| name == "case");
    chosen.map(|(_, value)| parse(value).ok_or(Failure::Missing)).collect()
}

/// Sends the chosen cases to another queue.
pub(super) async fn reroute(
    State(service): State<Service>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let actor = by(&posted.actor());
    let (queue, reason) = (form::find(fields, "queue"), form::find(fields, "reason"));
    let mut problems = Vec::new();
    let chosen = chosen(fields)?;
    if chosen.is_empty() {
        problems.push("请先勾选案件".to_owned());
    }
    let principal = visitor.principal();
    let (reach, name) = (principal.reach(), principal.actor());
    for (id, version) in chosen {
        if !service.desk.reaches(id, &reach, &name).await? {
            return Err(Failure::NotAllowed);
        }
        let body = json!({ "version": version, "by": actor, "queue": queue, "reason": reason });
        let knowledge = service.desk.engine().knowledge();
        let outcome = match CorrectionRequest::parse_route(body, &knowledge) {
            Err(mistakes) => Err(Wrong::Mistakes(mistakes)),
            Ok(request) => {
                let done = service.desk.correct(id, request, None, (service.clock)()).await;
                done.map(drop).map_err(Wrong::Desk)
            }
        };
        if let Err(wrong) = outcome {
            let (title, lines) = wrong.explain()?;
            problems.push(format!("案件 {}：{title} {}", tags::short(id), lines.join("；")));
        }
    }
    if problems.is_empty() {
        return Ok(Redirect::to(back(fields).unwrap_or("/console/queues")).into_response());
    }
    let body = layout::problem("部分案件没有转派", &problems);
    Ok(layout::Page {
        title: "转派",
        section: layout::Section::Queues,
        visitor,
        body: maud::html! { (body) a.button href=(back(fields).unwrap_or("/console/queues")) { "返回" } },
    }
    .respond())
}

/// Why something could not be done.
pub(super) enum Wrong {
    Mistakes(Vec<Mistake>),
    Desk(DeskError),
}

impl Wrong {
    /// In Chinese, for the person; what is our own fault stays an error.
    pub(super) fn explain(self) -> Result<(&'static str, Vec<String>), Failure> {
        match self {
            Self::Mistakes(mistakes) => {
                let line = |it: &Mistake| format!("{}：请填写或更正", words::field(&it.pointer));
                Ok(("表单有误", mistakes.iter().map(line).collect()))
            }
            Self::Desk(DeskError::Refused(refusal)) => {
                Ok(("不能这样办理", vec![words::refusal(&refusal.reason)]))
            }
            Self::Desk(DeskError::Stale(_)) => {
                Ok(("刚被他人更新", vec!["下面是最新情况，请看过再办理".to_owned()]))
            }
            Self::Desk(DeskError::NotAllowed(role)) => {
                Ok(("没有权限", vec![format!("“{}”不能进行此操作", words::role(role))]))
            }
            Self::Desk(DeskError::Mistakes(mistakes)) => Self::Mistakes(mistakes).explain(),
            Self::Desk(DeskError::NoGateway(channel)) => {
                let line = format!("还没有接通{}网关", words::message_channel(channel));
                Ok(("没有发送", vec![line]))
            }
            Self::Desk(DeskError::Ended(_)) => {
                Ok(("已经关闭", vec!["预警已由他人关闭".to_owned()]))
            }
            Self::Desk(error) => Err(error.into()),
        }
    }
}

async fn correct_with(service: &Service, id: Uuid, body: Value) -> Result<(), Wrong> {
    let knowledge = service.desk.engine().knowledge();
    let request = CorrectionRequest::parse(body, &knowledge).map_err(Wrong::Mistakes)?;
    let done = service.desk.correct(id, request, None, (service.clock)()).await;
    done.map(drop).map_err(Wrong::Desk)
}

/// Back to where the person was, or to the case with what is wrong.
async fn finish(
    service: &Service,
    visitor: &Visitor,
    id: Uuid,
    fields: &Fields,
    outcome: Result<(), Wrong>,
) -> Result<Response, Failure> {
    match outcome {
        Ok(()) => {
            let case = format!("/console/cases/{id}");
            let back = back(fields).unwrap_or(&case);
            // The next case is shown at once; this one stays a click away.
            let mark = if back.contains('?') { '&' } else { '?' };
            let is_review = back.starts_with("/console/review");
            let target = if is_review { format!("{back}{mark}done={id}") } else { back.to_owned() };
            Ok(Redirect::to(&target).into_response())
        }
        Err(wrong) => case::page(service, visitor, id, Some(wrong.explain()?)).await,
    }
}

/// Where a form wants to go back to: a page of the console, never elsewhere.
fn back(fields: &Fields) -> Option<&str> {
    form::find(fields, form::BACK_FIELD)
        .filter(|path| path.starts_with("/console/") && !path.contains("//"))
}

/// Every label that counts now, as a correction names them.
fn labels(service: &Service, case: &Case) -> Value {
    let knowledge = service.desk.engine().knowledge();
    let labels = &case.record.triage.labels;
    let heads = knowledge.taxonomy.heads().iter();
    let named = heads.filter_map(|head| {
        let now = labels.find(head.id.as_str()).unwrap_or_default();
        let value = match head.kind {
            HeadKind::MultiLabel => json!(now),
            HeadKind::MultiClass | HeadKind::Ordinal => json!(now.first()?),
        };
        Some((head.id.to_string(), value))
    });
    Value::Object(named.collect())
}

/// A proposal from the chosen drafts and the person's own offer.
fn with_offers(mut body: Value, fields: &Fields, drafts: &Value) -> Value {
    let chosen = fields.iter().filter(|(name, _)| name == "draft");
    let chosen = chosen.filter_map(|(_, value)| drafts.get(value.parse::<usize>().ok()?).cloned());
    let mut offers: Vec<Value> = chosen.collect();
    let mut object = body.as_object().cloned().unwrap_or_default();
    object.remove("draft");
    let mut take = |name: &str| object.remove(name);
    let (kind, amount, words) = (take("kind"), take("amount"), take("words"));
    let special_case = take("special_case");
    if let Some(kind) = kind {
        let mut remedy = json!({ "kind": kind, "words": words.unwrap_or_default() });
        if let Some(amount) = amount {
            remedy["amount"] = amount;
        }
        let mut offer = json!({ "remedies": [remedy] });
        if let Some(special_case) = special_case {
            offer["special_case"] = special_case;
        }
        offers.push(offer);
    }
    body = Value::Object(object);
    body["offers"] = Value::Array(offers);
    body
}
