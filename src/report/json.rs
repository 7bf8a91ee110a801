//! The run record as a file: everything, for `judge` and for other programs.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Ending, Format};
use crate::record::Record;

/// The record as JSON.
pub(crate) static FORMAT: Format = Format {
    option: "json",
    what: "the run record",
    help: "Write the whole run as JSON to this file (`-`: stdout; compressed if it ends in `.gz`), \
           for `report`, `judge` and other programs",
    render: |ending| match ending {
        Ending::Finished(record) => written(record).map(Some),
        // A run that broke off before it began has no record.
        Ending::NotBegun(_) => Ok(None),
    },
};

/// A record as it is written: each field on a separate line, and so each entry of its lists, so
/// that one case or one probe is one line.
pub(super) fn written(record: &Record) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    record.serialize(&mut Serializer::with_formatter(&mut text, Lines::default()))?;
    text.push(b'\n');
    Ok(text)
}

/// Breaks lines in the outermost object and in the lists directly in it.
#[derive(Debug, Default)]
struct Lines {
    depth: usize,
    /// Whether each list or object that is open holds something yet.
    filled: Vec<bool>,
    /// Whether each is broken into lines.
    broken: Vec<bool>,
}

impl Lines {
    fn begin<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        bracket: u8,
        list: bool,
    ) -> io::Result<()> {
        let breaks = self.depth == 0 || (self.depth == 1 && list);
        self.depth += 1;
        self.filled.push(false);
        self.broken.push(breaks);
        out.write_all(&[bracket])
    }

    fn end<W: ?Sized + io::Write>(&mut self, out: &mut W, bracket: u8) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if let (Some(true), Some(true)) = (self.filled.pop(), self.broken.pop()) {
            self.new_line(out)?;
        }
        out.write_all(&[bracket])
    }

    fn entry<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if let Some(filled) = self.filled.last_mut() {
            *filled = true;
        }
        if !first {
            out.write_all(b",")?;
        }
        if self.broken.last() == Some(&true) { self.new_line(out) } else { Ok(()) }
    }

    fn new_line<W: ?Sized + io::Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b" "))
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b'[', true)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b']')
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.entry(out, first)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b'{', false)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b'}')
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.entry(out, first)
    }
}
