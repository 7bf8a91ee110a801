//! The documents of a source, read past their mistakes.

use crate::lint::source::{Edit, Source, SourceId};

use super::{
    Block, Flaw, FlawKind, Node,
    build::{Budget, Builder},
    chunk::{Chunk, Line},
    relax::{COLON, relax, tabs},
    repair::{self, Repair},
};

/// How many syntax errors of a document are repaired and read past before the rest is given up.
const MAX_REPAIRS: usize = 12;

/// One document of a source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// What it says.
    pub root: Node,
    /// Mistakes that matter only if somebody reads the document: duplicate keys and the like.
    pub flaws: Vec<Flaw>,
}

/// Reads all documents of a source: those outside, or those inside one of its literal blocks.
/// Syntax errors are added to `flaws`; documents of which nothing can be read are left out.
pub(crate) fn parse(
    source: &Source,
    id: SourceId,
    block: Option<(&str, Block)>,
    budget: &Budget,
    flaws: &mut Vec<Flaw>,
) -> Vec<Document> {
    let chunks = match block {
        None => Chunk::documents(source, id),
        Some((text, block)) => Chunk::in_block(source, id, text, block),
    };
    chunks.into_iter().filter_map(|chunk| document(source, chunk, budget, flaws)).collect()
}

fn document(
    source: &Source,
    mut chunk: Chunk,
    budget: &Budget,
    flaws: &mut Vec<Flaw>,
) -> Option<Document> {
    repair::replace_surrogates(&mut chunk);
    let mut syntax = Vec::new();
    // Inside brackets this is read without an error, but not as it is meant.
    let colons = |line: &Line| ["::]", "::}", "::,"].iter().any(|end| line.text.contains(end));
    let mut relaxed = chunk.lines.iter().any(colons);
    let early = if relaxed { read_relaxed(source, &chunk, budget) } else { None };
    let mut early = early.filter(|_| !source.text.contains(COLON));
    let (root, found) = loop {
        if let Some(read) = early.take() {
            break read;
        }
        let mut builder = Builder::new(source, &chunk, budget);
        let Err(error) = builder.run(&chunk.text()) else {
            break (builder.root, builder.flaws);
        };
        if !relaxed {
            relaxed = true;
            if let Some(read) = read_relaxed(source, &chunk, budget) {
                break read;
            }
        }
        let last = syntax.len() + 1 >= MAX_REPAIRS;
        let repair = if last { None } else { repair::diagnose(source, &mut chunk, &error) };
        match repair {
            Some(Repair { flaw: Some(flaw), read_on: true }) => syntax.push(flaw),
            Some(Repair { flaw: None, read_on: true }) => {}
            Some(Repair { flaw, read_on: false }) => {
                syntax.extend(flaw);
                break (None, Vec::new());
            }
            None => {
                let mut flaw = repair::describe(source, &chunk, &error);
                flaw.fix = Some("the rest of this document was not read".into());
                syntax.push(flaw);
                break (None, Vec::new());
            }
        }
    };
    if syntax.is_empty() {
        syntax.extend(tabs(&chunk).first().map(|place| tab(source, &chunk, *place)));
        syntax.extend(separator(source, &chunk));
        syntax.extend(control(source, &chunk));
    }
    flaws.extend(syntax);
    // What Kubernetes' reader rejects is an error whatever the document is about.
    let (rejected, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|flaw| flaw.kind == FlawKind::Syntax);
    flaws.extend(rejected);
    root.map(|root| Document { root, flaws: found })
}

/// What stands behind `---` on its line, where Kubernetes' reader (`YAMLReader` of apimachinery) allows
/// nothing but a comment.
fn separator(source: &Source, chunk: &Chunk) -> Option<Flaw> {
    chunk.lines.iter().enumerate().find_map(|(number, line)| {
        let rest = line.text.strip_prefix("---").filter(|_| line.shift == 0)?;
        let first = rest.trim();
        if ["#", "{{", "{%"].iter().any(|mark| first.starts_with(mark)) || first.is_empty() {
            return None;
        }
        let length = line.text.chars().count();
        let start = length - rest.trim_start().chars().count();
        let span = chunk.span(source, (number, start), (number, length));
        let message = "Kubernetes' reader allows only a comment behind `---`";
        Some(Flaw::new(FlawKind::Syntax, span, message).fix("put it on a line of its own"))
    })
}

/// A character that Kubernetes' reader takes nowhere in a text, not even in a comment.
fn control(source: &Source, chunk: &Chunk) -> Option<Flaw> {
    let odd = |c: char| !matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..);
    chunk.lines.iter().enumerate().find_map(|(number, line)| {
        let (column, found) = line.text.chars().enumerate().find(|(_, c)| odd(*c))?;
        let span = chunk.span(source, (number, column), (number, column + 1));
        let message = format!(
            "the control character U+{:04X} stands here, which Kubernetes' reader refuses",
            u32::from(found)
        );
        Some(Flaw::new(FlawKind::Syntax, span, message).fix("remove it"))
    })
}

/// A tab that means nothing to YAML 1.2, and by which Kubernetes' reader refuses the document.
fn tab(source: &Source, chunk: &Chunk, (line, column): (usize, usize)) -> Flaw {
    let span = chunk.span(source, (line, column), (line, column + 1));
    let message = "a tab where Kubernetes' parser allows only spaces";
    let flaw = Flaw::new(FlawKind::Syntax, span, message);
    flaw.fix("remove the tab").edit(Edit::new(span, "\t", " "))
}

/// Reads a chunk as Kubernetes' reader does where that leaves no error.
fn read_relaxed(
    source: &Source,
    chunk: &Chunk,
    budget: &Budget,
) -> Option<(Option<Node>, Vec<Flaw>)> {
    let mut chunk = chunk.clone();
    if !relax(&mut chunk) {
        return None;
    }
    let mut builder = Builder::new(source, &chunk, budget);
    builder.run(&chunk.text()).ok()?;
    Some((builder.root, builder.flaws))
}
