//! `fenzhen rules`: are the rule files right, do their examples hold, and why did a rule fire.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app;
use crate::config::{KnowledgeConfig, OutputFormat};
use crate::domain::{Channel, Complaint, CustomerTier, Money};
use crate::rules::{self, Situation};
use crate::triage::{Groundwork, Knowledge};

/// `fenzhen rules`
#[derive(Subcommand)]
pub(super) enum Rules {
    /// Check the rule files and count what they hold
    Check(Check),
    /// Try every example of every rule
    Test(Check),
    /// Show how every rule comes to its answer on a text
    Explain(Explain),
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    knowledge: KnowledgeConfig,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Args)]
pub(super) struct Explain {
    /// The complaint's words
    text: String,

    /// The amount in dispute in yuan
    #[arg(long)]
    amount: Option<Money>,

    /// Where it came in
    #[arg(long, value_parser = by_name(&Channel::ALL, |it| it.as_str()))]
    channel: Option<Channel>,

    /// The customer's tier
    #[arg(long, default_value = "standard", value_parser = by_name(&CustomerTier::ALL, |it| it.as_str()))]
    customer_tier: CustomerTier,

    /// How often the customer has made contact before
    #[arg(long)]
    prior_contacts: Option<u32>,

    #[command(flatten)]
    knowledge: KnowledgeConfig,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Reads one of a closed set of names.
fn by_name<T: Copy + Send + Sync>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let names = || all.iter().map(|&it| name(it)).collect::<Vec<_>>().join(", ");
        all.iter()
            .copied()
            .find(|&it| name(it) == text)
            .ok_or_else(|| format!("use one of {}", names()))
    }
}

impl Rules {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(command) => command.check(),
            Self::Test(command) => command.test(),
            Self::Explain(command) => command.run(),
        }
    }
}

impl Check {
    fn check(self) -> anyhow::Result<ExitCode> {
        let ground = Groundwork::load(&self.knowledge.sources())?;
        let today = ground.calendar.date(app::now());
        let report =
            rules::check(&ground.rule_files, &ground.vocabulary(), &ground.analyzer, today);
        print(&report, self.format)?;
        Ok(if report.mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn test(self) -> anyhow::Result<ExitCode> {
        let ground = Groundwork::load(&self.knowledge.sources())?;
        let report = rules::test(&ground.rule_files, &ground.vocabulary(), &ground.analyzer);
        print(&report, self.format)?;
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Explain {
    fn run(self) -> anyhow::Result<ExitCode> {
        let knowledge = Knowledge::load(&self.knowledge.sources())?;
        let complaint = Complaint {
            text: self.text.try_into().context("cannot read the text")?,
            channel: self.channel,
            amount: self.amount,
            customer_tier: self.customer_tier,
            prior_contacts: self.prior_contacts,
            received_at: app::now(),
        };
        let document = knowledge.analyzer.analyze(complaint.text.as_str());
        let prediction = knowledge.classifier().map(|classifier| classifier.classify(&document));
        let situation = Situation::new(&complaint, &document, prediction.as_ref());
        let today = knowledge.calendar.date(complaint.received_at);
        print(&rules::explain(&knowledge.rules, &situation, today), self.format)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print(report: &(impl Serialize + Display), format: OutputFormat) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        OutputFormat::Text => writeln!(out, "{report}")?,
        OutputFormat::Json => writeln!(out, "{}", serde_json::to_string(report)?)?,
    }
    Ok(())
}
