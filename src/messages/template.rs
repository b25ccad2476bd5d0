//! A text with places that are filled in. Values are put in as they are: what stands in a value is
//! never read as a place.

use crate::messages::{Templates, Values};

/// What can be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Firm,
    Name,
    Opening,
    Case,
    ContactPerson,
    Limit,
    Stage,
    Offers,
    Result,
}

/// A text, cut at its places.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Place(Place),
}

/// Who is addressed when nobody's name is known.
const NOBODY: &str = "尊敬的客户";

impl Place {
    pub(super) const ALL: [Self; 9] = [
        Self::Firm,
        Self::Name,
        Self::Opening,
        Self::Case,
        Self::ContactPerson,
        Self::Limit,
        Self::Stage,
        Self::Offers,
        Self::Result,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Firm => "firm",
            Self::Name => "name",
            Self::Opening => "opening",
            Self::Case => "case",
            Self::ContactPerson => "contact_person",
            Self::Limit => "limit",
            Self::Stage => "stage",
            Self::Offers => "offers",
            Self::Result => "result",
        }
    }
}

impl Template {
    /// Reads a text with places such as `{case}`, noting every mistake.
    pub(super) fn parse(text: &str, at: &str, mistakes: &mut Vec<String>) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            pieces.push(Piece::Text(before.to_owned()));
            let Some((name, after)) = after.split_once('}') else {
                mistakes.push(format!("`{at}` has a `{{` without its `}}`"));
                return Self(pieces);
            };
            if let Some(place) = Place::ALL.into_iter().find(|place| place.as_str() == name) {
                pieces.push(Piece::Place(place));
            } else {
                let names = Place::ALL.map(Place::as_str).join(", ");
                mistakes.push(format!("`{at}` names `{{{name}}}`: the places are {names}"));
            }
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    /// Whether it has a place.
    pub(super) fn names(&self, place: Place) -> bool {
        self.0.contains(&Piece::Place(place))
    }

    /// The text with its places filled in; nothing when a value is missing.
    pub(super) fn fill<'v>(&self, value: &impl Fn(Place) -> Option<&'v str>) -> Option<String> {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Place(place) => value(*place),
        });
        pieces.collect()
    }
}

impl Templates {
    /// What is filled in at a place.
    pub(super) fn value<'v>(
        &'v self,
        place: Place,
        opening: &'v str,
        values: &'v Values,
    ) -> Option<&'v str> {
        match place {
            Place::Firm => Some(&self.firm),
            Place::Name => Some(values.name.as_deref().unwrap_or(NOBODY)),
            Place::Opening => Some(opening),
            Place::Case => Some(&values.case),
            Place::ContactPerson => Some(self.contact_person(values)),
            Place::Limit => values.limit.as_deref(),
            Place::Stage => values.stage.as_deref(),
            Place::Offers => values.offers.as_deref(),
            Place::Result => values.result.as_deref(),
        }
    }
}
