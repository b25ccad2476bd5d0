//! The figures by which alarms are raised, as data.

use serde::Deserialize;

/// The figures by which alarms are raised.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How long a window is.
    pub window_hours: u16,
    /// How many windows tell what is usual.
    pub baseline_windows: u16,
    /// How many windows right before the last one are left out.
    pub guard_windows: u16,
    /// How improbable an alarm is if nothing is going on.
    pub false_alarm_probability: f64,
    /// Fewer complainants are no cluster.
    pub min_complainants: u32,
    /// For how long a subject is quiet after its alert was closed.
    pub quiet_hours: u16,
}

/// Why figures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They are not what the file should hold.
    #[error("the alert parameters cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Figures that make no sense.
    #[error("the alert parameters have mistakes: {}", .0.join("; "))]
    Values(Vec<&'static str>),
}

impl Parameters {
    /// The file that ships with the service.
    pub const DEFAULT: &str = include_str!("../../datasets/alerts.toml");

    /// Reads a file, or lists every mistake.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let it: Self = toml::from_str(text)?;
        let mistakes = [
            (it.window_hours == 0, "`window_hours` must be 1 or more"),
            (it.baseline_windows < 7, "`baseline_windows` must be 7 or more"),
            (
                it.guard_windows > it.baseline_windows,
                "`guard_windows` must not exceed the baseline",
            ),
            (
                !(1e-9..=0.05).contains(&it.false_alarm_probability),
                "`false_alarm_probability` must lie between 0.000000001 and 0.05",
            ),
            (it.min_complainants < 2, "`min_complainants` must be 2 or more"),
        ];
        let mistakes: Vec<_> = mistakes.into_iter().filter(|it| it.0).map(|it| it.1).collect();
        if mistakes.is_empty() { Ok(it) } else { Err(Error::Values(mistakes)) }
    }

    /// How many windows are looked at, the last one included.
    pub const fn n_windows(&self) -> u32 {
        1 + self.guard_windows as u32 + self.baseline_windows as u32
    }
}

impl Default for Parameters {
    /// The figures of the program.
    fn default() -> Self {
        Self::parse(Self::DEFAULT).expect("a test reads the figures of the program")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named() {
        let wrong = "window_hours = 0\nbaseline_windows = 3\nguard_windows = 9\n\
                     false_alarm_probability = 0.5\nmin_complainants = 1\nquiet_hours = 0";
        let Err(Error::Values(mistakes)) = Parameters::parse(wrong) else { panic!("is refused") };
        assert_eq!(mistakes.len(), 5);
        assert!(matches!(Parameters::parse("window_hours = 1"), Err(Error::Syntax(_))));
        assert_eq!(Parameters::default().n_windows(), 59);
    }
}
