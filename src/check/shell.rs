//! Commands as any shell takes them.

/// What stands behind commands that debug nodes.
const LEFT_BEHIND: &str =
    "# Each `kubectl debug node/…` leaves a pod node-debugger-…; delete it afterwards.";

/// Commands that can be pasted into a shell. A note behind a command goes to a line before it, because zsh
/// takes it for arguments; and the pods that `kubectl debug` leaves on nodes are mentioned once, in the end.
pub(crate) fn tidy(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut last = None;
    for line in lines.into_iter().filter(|line| line != LEFT_BEHIND) {
        let (command, note) = match line.rsplit_once("  # ") {
            Some((command, note)) => (command.trim_end().to_owned(), Some(format!("# {note}"))),
            None => (line, None),
        };
        if note.is_some() && note != last {
            all.extend(note.clone());
        }
        last = note;
        all.push(command);
    }
    if all.iter().any(|line| line.contains("kubectl debug node/")) {
        all.push(LEFT_BEHIND.to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(lines: &[&str]) -> Vec<String> {
        tidy(lines.iter().map(|line| (*line).to_owned()))
    }

    #[test]
    fn a_note_goes_before_its_command_and_stands_once_for_several() {
        let lines = ["kubectl get a  # later", "kubectl get b  # later", "kubectl get c"];
        assert_eq!(tidied(&lines), ["# later", "kubectl get a", "kubectl get b", "kubectl get c"]);
        let again: Vec<String> = tidied(&lines);
        assert_eq!(tidy(again.clone()), again);
    }

    #[test]
    fn pods_that_debugging_leaves_on_nodes_are_mentioned_once() {
        let debug = "kubectl debug node/n1 -it --image=busybox -- ip route";
        let expected = [debug, "kubectl get pods", debug, LEFT_BEHIND];
        assert_eq!(tidied(&[debug, "kubectl get pods", debug]), expected);
        assert_eq!(tidied(&expected), expected);
    }
}
