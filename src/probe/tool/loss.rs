//! `nc -u -e sh probe.sh train`: trains of datagrams, and how many were answered.

use super::{
    super::{Outcome, Train, failure},
    Printed, last_words, unusable,
};

/// What came of it.
pub(super) fn outcome(printed: &Printed) -> Result<Outcome, String> {
    // With -v, nc says of each train that it can send.
    let lines = || printed.head.lines().filter(|line| !line.ends_with(" open"));
    let trains: Option<Vec<Train>> = lines().map(train).collect();
    match trains {
        Some(trains) if trains.iter().any(|train| train.answered > 0) => {
            Ok(Outcome::Counted { trains })
        }
        Some(trains) if !trains.is_empty() => Ok(Outcome::TimedOut),
        _ => {
            let said = lines().find(|line| train(line).is_none()).unwrap_or_default();
            failure::of_words(last_words(said)).ok_or_else(|| unusable("nc", said))
        }
    }
}

/// Reads `sent=100 answered=97`.
fn train(line: &str) -> Option<Train> {
    let (sent, answered) = line.strip_prefix("sent=")?.split_once(" answered=")?;
    Some(Train { sent: sent.parse().ok()?, answered: answered.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::printed, *};

    fn of(text: &str) -> Result<Outcome, String> {
        outcome(&printed(text))
    }

    #[test]
    fn answers_are_counted_train_by_train() {
        let trains = vec![Train { sent: 40, answered: 28 }, Train { sent: 100, answered: 97 }];
        let text =
            "::1 ([::1]:1) open\nsent=40 answered=28\n::1 ([::1]:1) open\nsent=100 answered=97\n";
        assert_eq!(of(text), Ok(Outcome::Counted { trains }));
    }

    #[test]
    fn no_answer_at_all_is_silence_and_no_way_is_said() {
        assert_eq!(of("sent=12 answered=0\nsent=12 answered=0\n"), Ok(Outcome::TimedOut));
        let said = "nc: fd00::7 ([fd00::7]:80): Network is unreachable\n";
        assert!(matches!(of(&said.repeat(3)), Ok(Outcome::Unreachable { .. })));
        assert!(of("").is_err());
        assert!(of("sent=40 answered=x\n").is_err());
    }
}
