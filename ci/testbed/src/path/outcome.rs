//! What can come of a path.

/// What comes of a path while a fault lasts.
///
/// The order is that of [`Outcome::all`]: what comes later decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It works.
    Works,
    /// Nobody can tell: there is no such pod or address, or the pod can't be asked.
    Unseen,
    /// Chance or time decides, such as which of two DNS servers is asked.
    Either,
    /// It fails, being told so at once.
    Refused,
    /// It fails.
    Fails,
}

impl Outcome {
    /// Failure, if the condition holds.
    pub const fn fails_if(condition: bool) -> Self {
        if condition { Self::Fails } else { Self::Works }
    }

    /// What comes of something that takes all of these.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Works)
    }

    /// What comes of something that takes one of these, and chance says which.
    pub fn one_of(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<Self> = parts.into_iter().collect();
        match (parts.iter().min(), parts.iter().max()) {
            (Some(least), Some(most)) if least.is_failure() == most.is_failure() => *most,
            (Some(_), Some(_)) => Self::Either,
            _ => Self::Fails,
        }
    }

    /// Whether it surely fails.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Fails | Self::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failing_part_fails_the_whole_and_one_of_several_ways_only_sometimes() {
        assert_eq!(Outcome::all([Outcome::Works, Outcome::Fails]), Outcome::Fails);
        assert_eq!(Outcome::all([Outcome::Works, Outcome::Unseen]), Outcome::Unseen);
        assert_eq!(Outcome::one_of([Outcome::Works, Outcome::Fails]), Outcome::Either);
        assert_eq!(Outcome::one_of([Outcome::Refused, Outcome::Fails]), Outcome::Fails);
        assert_eq!(Outcome::one_of([]), Outcome::Fails);
    }
}
