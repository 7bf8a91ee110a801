//! The one owner of stdout and stderr: whether they are terminals, how wide, and in colour or not.

use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
};

use anstream::{AutoStream, ColorChoice};
use terminal_size::{Width, terminal_size_of};

/// The width of text where there is no terminal and `COLUMNS` doesn't say.
pub(crate) const DEFAULT_WIDTH: usize = 100;
/// No text is laid out narrower than this: tables would fall apart before the terminal wraps them.
pub(crate) const LEAST_WIDTH: usize = 60;
/// No text is laid out wider than this: the eye loses the line.
pub(crate) const MOST_WIDTH: usize = 200;

/// Both streams.
#[derive(Debug)]
pub(crate) struct Streams {
    /// Where results go.
    pub out: Stream,
    /// Where progress, logs and errors go.
    pub err: Stream,
}

impl Streams {
    /// The process's own streams. [`ColorChoice::Auto`] means colour on a terminal, unless
    /// `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` or `TERM` say otherwise.
    pub(crate) fn standard(colour: ColorChoice) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        Self {
            out: Stream {
                interactive: is_interactive(out.is_terminal()),
                width: width(terminal_size_of(&out)),
                writer: Box::new(AutoStream::new(out, colour)),
            },
            err: Stream {
                interactive: is_interactive(err.is_terminal()),
                width: width(terminal_size_of(&err)),
                writer: Box::new(AutoStream::new(err, colour)),
            },
        }
    }

    /// The same streams with results on stderr, for when a file of ours goes to stdout.
    #[must_use]
    pub(crate) fn with_results_on_stderr(self, colour: ColorChoice) -> Self {
        Self { out: Self::standard(colour).err, err: self.err }
    }
}

/// A stream that text goes to. What is written may hold ANSI styles; they are taken out where the
/// stream shows none.
pub(crate) struct Stream {
    writer: Box<dyn Write + Send>,
    interactive: bool,
    width: usize,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("interactive", &self.interactive)
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// A stream of any kind that isn't a terminal and shows no styles.
    #[cfg(test)]
    pub(crate) fn plain(writer: impl Write + Send + 'static, width: usize) -> Self {
        let writer: Box<dyn Write + Send> = Box::new(writer);
        Self { writer: Box::new(AutoStream::never(writer)), interactive: false, width }
    }

    /// Whether a person looks at it, on a terminal that can move its cursor.
    pub(crate) const fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// How many columns text may take.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Writes a text, and sees that it gets there.
    ///
    /// # Errors
    /// Whatever writing gives, except that a reader who has gone away (`dualstack run | head`) has
    /// seen enough and is no error.
    pub(crate) fn print(&mut self, text: &str) -> io::Result<()> {
        forgive_broken_pipe(
            self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()),
        )
    }

    /// Writes a line whose failure can't be reported anywhere.
    pub(crate) fn say(&mut self, line: &str) {
        // A stderr that can't be written to leaves no place to complain.
        let _ = self.print(&format!("{line}\n"));
    }
}

/// Writes bytes to stdout as they are: a report's file that goes there.
///
/// # Errors
/// Whatever writing gives, except that a reader who has gone away has seen enough.
pub(super) fn write_to_stdout(content: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    forgive_broken_pipe(stdout.write_all(content).and_then(|()| stdout.flush()))
}

fn forgive_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A terminal that can move its cursor, and isn't a pipeline's log in disguise.
fn is_interactive(terminal: bool) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    terminal && !set("CI") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn width(terminal: Option<(Width, terminal_size::Height)>) -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    terminal
        .map(|(Width(width), _)| usize::from(width))
        .filter(|&width| width > 0)
        .or(columns)
        .unwrap_or(DEFAULT_WIDTH)
        .clamp(LEAST_WIDTH, MOST_WIDTH)
}
