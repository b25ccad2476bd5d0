//! The checked routing policy: queues and what they own, clocks, and weights. Holding one means
//! that its file had no mistake; nothing here is checked again.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::calendar::Period;
use crate::domain::{CustomerTier, DeadlineKind, LabelDefinition, LabelId, QueueId, Taxonomy};
use crate::routing::source::{self, Error};

/// Who handles what, by when, and how urgent it is.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) queues: Vec<Queue>,
    /// The queue of each category, by position.
    pub(super) routes: HashMap<LabelId, usize, FxBuildHasher>,
    pub(super) triage_queue: usize,
    pub(super) executive_queue: usize,
    pub(super) default_severity: LabelDefinition,
    pub(super) complex_from: LabelId,
    pub(super) close_alternative: f32,
    pub(super) clocks: [Clock; 3],
    pub(super) weights: Weights,
}

/// A list of cases and the department that works it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The identifier in data and the API.
    pub id: QueueId,
    /// The name on screens.
    pub name: String,
    /// The department that answers for its cases 责任部门.
    pub department: String,
}

/// Which clocks a case runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockKind {
    /// One department, standard remedy 普通.
    Ordinary,
    /// Tier 2 or severity from the policy's threshold on 复杂.
    Complex,
    /// A rule says that life or limb is at stake 人身安全.
    SafetyCritical,
}

/// The periods of one kind of case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What must have happened within which period.
    pub periods: [(DeadlineKind, Period); 3],
    /// The same in words for people, such as `按普通投诉计时：2 小时内确认受理…`.
    pub summary: String,
}

/// What adds how much to a priority; none is negative.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// Never falling from a severity to the one above it.
    pub(super) severity: HashMap<LabelId, f64, FxBuildHasher>,
    /// Heaviest first.
    pub(super) signals: Vec<(LabelId, f64)>,
    pub(super) signals_at_most: f64,
    pub(super) sentiment: HashMap<LabelId, f64, FxBuildHasher>,
    pub(super) customer_tier: [f64; CustomerTier::ALL.len()],
    pub(super) amount: AmountScale,
    pub(super) prior_contacts: f64,
    pub(super) prior_contacts_at_most: f64,
    pub(super) aging: f64,
}

/// Points for an amount in yuan, growing with its logarithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct AmountScale {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) points: f64,
}

impl Policy {
    /// The file that ships with the service, written for the default taxonomy.
    pub const DEFAULT: &str = include_str!("../../datasets/routing.toml");

    /// Reads a policy file and checks it against the labels it speaks of, listing every mistake.
    pub fn parse(text: &str, taxonomy: &Taxonomy) -> Result<Self, Error> {
        source::parse(text, taxonomy)
    }

    /// Every queue, in the order of the file.
    pub fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// The queue with this id.
    pub fn find_queue(&self, id: &QueueId) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.id == *id)
    }

    /// The queue that handles a category.
    pub fn category_queue(&self, category: &LabelId) -> Option<&Queue> {
        self.routes.get(category).map(|&queue_idx| &self.queues[queue_idx])
    }

    /// The queue of cases that a person must label first.
    pub fn triage_queue(&self) -> &Queue {
        &self.queues[self.triage_queue]
    }

    /// The queue of cases that executives must see.
    pub fn executive_queue(&self) -> &Queue {
        &self.queues[self.executive_queue]
    }

    /// The periods for a kind of case.
    pub const fn clock(&self, kind: ClockKind) -> &Clock {
        &self.clocks[kind as usize]
    }
}

impl ClockKind {
    /// Every kind, in the order of the variants.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Complex, Self::SafetyCritical];

    /// The code of the reason that states the clock.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ordinary => "clock_ordinary",
            Self::Complex => "clock_complex",
            Self::SafetyCritical => "clock_safety_critical",
        }
    }

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "普通投诉",
            Self::Complex => "复杂投诉",
            Self::SafetyCritical => "人身安全投诉",
        }
    }
}

impl AmountScale {
    /// Nothing up to the scale's start, all points from its end on.
    pub(super) fn points(self, yuan: f64) -> f64 {
        if yuan <= self.from {
            return 0.0;
        }
        self.points * ((yuan / self.from).ln() / (self.to / self.from).ln()).min(1.0)
    }
}
