//! Styles, wrapping, and the indented blocks that prose is set in.

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter};

use crate::{check::Status, exit::Exit};

/// How much a report says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// Failures and the summary.
    Brief,
    /// Failures, tables with like passes in one row, reasons, the summary.
    #[default]
    Normal,
    /// Every case in a separate row, every failure in full, every phase with its time.
    Full,
}

/// How a report is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// The columns there are.
    pub width: usize,
    /// How much is said.
    pub detail: Detail,
}

impl Layout {
    /// Prose is set no wider than this, whatever the terminal: longer lines are hard to read.
    const PROSE: usize = 100;

    const fn prose_width(self) -> usize {
        if self.width < Self::PROSE { self.width } else { Self::PROSE }
    }
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// A text in a style; taken out again by a stream that shows none.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A word that says how a command ended, in the style of that end.
pub(crate) fn paint_verdict(exit: Exit, word: &str) -> String {
    let style = match exit {
        Exit::Passed => GREEN.bold(),
        Exit::Inconclusive | Exit::Interrupted => YELLOW.bold(),
        Exit::Failed | Exit::Usage | Exit::Cluster | Exit::NothingSelected => RED,
    };
    paint(style, word)
}

/// The style in which a status is shown.
pub(super) const fn style_of(status: Status) -> Style {
    match status {
        Status::Pass => GREEN,
        Status::Fail => RED,
        Status::Skip => DIM,
        Status::Inconclusive => YELLOW,
    }
}

/// A status in one word; a failure stands out where there are no colours.
pub(super) const fn word_of(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Fail => "FAIL",
        Status::Skip => "skip",
        Status::Inconclusive => "inconclusive",
    }
}

/// A blank at which no line is broken. [`Prose`] shows it as an ordinary one, so that what is copied
/// from a terminal is what it seems to be.
pub(super) const UNBROKEN: &str = "\u{a0}";

/// Text in blocks, wrapped between words only, so that addresses and names stay whole.
#[derive(Debug)]
pub(crate) struct Prose {
    width: usize,
    text: String,
}

impl Prose {
    /// The width of the column in which labels stand.
    const LABEL: usize = 10;

    pub(crate) const fn new(layout: Layout) -> Self {
        Self { width: layout.prose_width(), text: String::new() }
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, line: &str) -> &mut Self {
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    /// A title by itself.
    pub(crate) fn heading(&mut self, title: &str) -> &mut Self {
        self.line(&paint(BOLD, title))
    }

    /// A name, filled up to a column, and what it means.
    pub(crate) fn entry(&mut self, name: &str, column: usize, meaning: &str) -> &mut Self {
        let gap = " ".repeat(column.saturating_sub(name.len()));
        self.wrapped(meaning, &format!("  {name}{gap}  "), &" ".repeat(column + 4))
    }

    /// A paragraph whose lines after the first are indented by two.
    pub(crate) fn paragraph(&mut self, text: &str) -> &mut Self {
        self.wrapped(text, "", "  ")
    }

    /// Points of a list.
    pub(crate) fn points(&mut self, points: impl IntoIterator<Item = String>) -> &mut Self {
        for point in points {
            self.wrapped(&point, "  - ", "    ");
        }
        self
    }

    /// Texts beside a label; each begins a new line. Nothing if there is no text.
    pub(crate) fn labelled<T: AsRef<str>>(&mut self, label: &str, texts: &[T]) -> &mut Self {
        let next = " ".repeat(2 + Self::LABEL);
        for (index, text) in texts.iter().enumerate() {
            let first = Self::label(label, index);
            if texts.len() == 1 {
                self.wrapped(text.as_ref(), &first, &next);
            } else {
                self.wrapped(text.as_ref(), &format!("{first}- "), &format!("{next}  "));
            }
        }
        self
    }

    /// Commands beside a label, never wrapped: they are there to be pasted. Notes between them are.
    pub(crate) fn commands<T: AsRef<str>>(&mut self, label: &str, commands: &[T]) -> &mut Self {
        for (index, command) in commands.iter().enumerate() {
            let first = Self::label(label, index);
            for (row, line) in command.as_ref().lines().enumerate() {
                if row == 0 && line.starts_with('#') {
                    let next = format!("{}# ", " ".repeat(2 + Self::LABEL));
                    self.wrapped(line, &first, &next);
                } else if row == 0 {
                    self.line(&format!("{first}$ {line}"));
                } else {
                    self.line(&format!("{}  {line}", " ".repeat(2 + Self::LABEL)));
                }
            }
        }
        self
    }

    fn label(label: &str, index: usize) -> String {
        let label = if index == 0 { label } else { "" };
        let padding = " ".repeat(Self::LABEL.saturating_sub(label.len()));
        format!("  {}{padding}", paint(DIM, label))
    }

    fn wrapped(&mut self, text: &str, first: &str, next: &str) -> &mut Self {
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(next)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        for line in textwrap::wrap(text, options) {
            self.line(&line.trim_end().replace(UNBROKEN, " "));
        }
        self
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
