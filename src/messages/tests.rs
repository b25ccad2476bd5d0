//! Every template in words, and every mistake of a file.

use crate::domain::{LabelId, MessageChannel, MessageKind, Role, Taxonomy};
use crate::messages::{Templates, TemplatesError, Values};

fn taxonomy() -> Taxonomy {
    toml::from_str(include_str!("../../datasets/taxonomy.toml")).expect("it is correct")
}

fn templates() -> Templates {
    Templates::parse(Templates::DEFAULT, &taxonomy()).expect("the shipped templates are correct")
}

fn values() -> Values {
    Values {
        name: Some("王女士".to_owned()),
        case: "019a0000-0000-7000-8000-000000000001".to_owned(),
        contact_person: Some("赵敏".to_owned()),
        limit: Some("11月12日".to_owned()),
        stage: Some("调查".to_owned()),
        offers: Some("方案1：全额退款399元，并道歉；方案2：换货并补偿50元代金券".to_owned()),
        result: Some("已退款399元，原路返回".to_owned()),
    }
}

fn moods() -> Vec<Option<LabelId>> {
    let taxonomy = taxonomy();
    let (_, head) = taxonomy.role(Role::Sentiment).expect("it has moods");
    let moods = head.labels.iter().map(|label| Some(label.id.clone()));
    moods.chain([None]).collect()
}

/// What a customer must find in a message of this kind.
fn told(kind: MessageKind) -> &'static [&'static str] {
    match kind {
        MessageKind::Acknowledgement => &["11月12日", "赵敏", "联系方式畅通"],
        MessageKind::Progress => &["调查"],
        MessageKind::Proposal => &["方案1", "方案2", "选择"],
        MessageKind::Result => &["已退款399元"],
        MessageKind::Satisfaction => &["是否已经解决", "5"],
    }
}

#[test]
fn every_template_tells_what_it_must_within_its_limit_in_every_mood() {
    let (templates, values) = (templates(), values());
    for kind in MessageKind::ALL {
        for channel in MessageChannel::ALL {
            let mut wordings = Vec::new();
            for mood in moods() {
                let wording = templates.render(kind, channel, mood.as_ref(), &values);
                let wording = wording.expect("every value is there");
                let text = &wording.text;
                assert!(text.chars().count() <= templates.limit(channel), "{kind:?} {channel:?}");
                assert!(!text.contains(['{', '}']), "{text}");
                for word in told(kind).iter().chain(&["王女士", values.case.as_str()]) {
                    assert!(text.contains(word), "{kind:?} {channel:?}: {word} is not in {text}");
                }
                let has_subject = channel == MessageChannel::Email;
                assert_eq!(wording.subject.is_some(), has_subject);
                wordings.push((mood, wording.text));
            }
            let of = |mood: &str| {
                let found =
                    wordings.iter().find(|it| it.0.as_ref().is_some_and(|it| it.as_str() == mood));
                &found.expect("it was rendered").1
            };
            assert_ne!(of("angry"), of("neutral"), "the angry are heard first");
            assert_ne!(of("anxious"), of("neutral"), "the anxious are heard first");
            assert_ne!(of("angry"), of("anxious"));
        }
    }
}

#[test]
fn the_angry_are_apologized_to_before_anything_else() {
    let angry: LabelId = "angry".parse().expect("it is a name");
    let wording = templates().render(
        MessageKind::Acknowledgement,
        MessageChannel::Sms,
        Some(&angry),
        &values(),
    );
    assert_eq!(
        wording.expect("every value is there").text,
        "【客户服务中心】王女士，给您带来这样的经历，我们真诚道歉，您的意见我们高度重视。您的投诉\
         （编号019a0000-0000-7000-8000-000000000001）已受理，将于11月12日前办结，联系人：赵敏。\
         请保持联系方式畅通。"
    );
}

#[test]
fn what_is_not_known_is_not_told() {
    let (templates, nothing) = (templates(), Values::default());
    let render = |kind| templates.render(kind, MessageChannel::Chat, None, &nothing);
    for kind in [
        MessageKind::Acknowledgement,
        MessageKind::Progress,
        MessageKind::Proposal,
        MessageKind::Result,
    ] {
        assert_eq!(render(kind), None, "{kind:?}");
    }
    let asked = render(MessageKind::Satisfaction).expect("it tells of nothing");
    assert!(asked.text.starts_with("尊敬的客户"), "{}", asked.text);
}

#[test]
fn what_stands_in_a_value_is_no_place() {
    let values = Values { name: Some("{result}{".to_owned()), ..values() };
    let wording =
        templates().render(MessageKind::Satisfaction, MessageChannel::Chat, None, &values);
    assert!(wording.expect("every value is there").text.starts_with("{result}{，"));
}

#[test]
fn every_mistake_of_a_file_is_listed() {
    let wrong = Templates::DEFAULT
        .replacen("name = \"客户服务中心\"", "name = \" \"", 1)
        .replacen("sms = 335", "sms = 0", 1)
        .replacen("anxious =", "worried =", 1)
        .replacen("default = \"您好，感谢您的反馈。\"\n", "", 1)
        .replacen("将于{limit}前办结", "很快办结", 1)
        .replacen("「{stage}」", "「{step}」", 1)
        .replacen("{firm}】{name}，{opening}您的投诉（编号{case}）处理", "{firm】处理", 1);
    let error = Templates::parse(&wrong, &taxonomy()).expect_err("it has mistakes");
    let TemplatesError::Mistakes(mistakes) = error else { panic!("it is TOML: {error}") };
    let expected = [
        "`firm.name` is blank",
        "`openings.sms.worried` is no mood of the taxonomy",
        "`openings.chat.default` is missing",
        "`limits.sms` is a number of characters up to 20000",
        "`texts.acknowledgement.sms` must tell `{limit}`",
        "`texts.progress.sms` names `{step}`: the places are firm, name, opening, case, \
         contact_person, limit, stage, offers, result",
        "`texts.progress.sms` must tell `{stage}`",
    ];
    assert_eq!(mistakes[..7], expected);
    assert!(mistakes[7..].iter().all(|it| it.starts_with("`texts.result.sms`")), "{mistakes:?}");
    let unknown = Templates::DEFAULT.replacen("[limits]", "[limits]\nfax = 3", 1);
    let error = Templates::parse(&unknown, &taxonomy()).expect_err("there is no fax");
    assert!(matches!(error, TemplatesError::Syntax(_)));
}
