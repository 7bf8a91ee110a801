//! CoreDNS' Corefile.

use crate::lint::{
    model::{Directive, Zones},
    source::{Span, Spanned},
    tree::Node,
};

use super::Lower;

impl Lower<'_> {
    /// A Corefile: server blocks, which hold a line for each plugin, which may hold lines again;
    /// or what is imported into the server block of the root zone.
    pub(super) fn corefile(&mut self, node: &Node, imported: bool) {
        let Some(text) = node.text() else { return };
        let least = usize::from(imported);
        let mut depth = least;
        let mut current: Option<Directive> = None;
        let mut zones = Zones::default();
        let before = self.model.dns.len();
        for (number, line) in text.value.lines().enumerate() {
            let mut words = self.words(node, number, line);
            let closes = words.first().is_some_and(|word| word.value == "}");
            let opens = words.last().is_some_and(|word| word.value == "{");
            if opens {
                words.pop();
            }
            if closes {
                depth = depth.saturating_sub(1).max(least);
                if depth <= 1 {
                    self.model.dns.extend(current.take());
                }
                continue;
            }
            match depth {
                0 => zones.blocks.append(&mut words),
                _ if words.is_empty() => {}
                1 => {
                    self.model.dns.extend(current.take());
                    current = Some(Directive { words, body: Vec::new() });
                }
                _ => {
                    if let Some(directive) = &mut current {
                        directive.body.push(words);
                    }
                }
            }
            depth += usize::from(opens);
        }
        self.model.dns.extend(current);
        let own = self.model.dns[before..].iter().filter(|own| own.plugin() == "kubernetes");
        zones.served = own.flat_map(|own| &own.words).map(|word| word.value.clone()).collect();
        self.model.zones.push(zones);
    }

    /// The values of CoreDNS' chart: server blocks as lists of plugins.
    pub(super) fn coredns_values(&mut self, root: &Node) {
        let list =
            |node: &Node, key: &str| node.get(key).map(Node::items).unwrap_or_default().to_vec();
        for server in list(root, "servers") {
            for plugin in list(&server, "plugins") {
                let Some(name) = plugin.get("name").and_then(Node::text) else { continue };
                let mut words = vec![name];
                if let Some(text) = plugin.get("parameters").and_then(Node::text) {
                    let parts = text.value.split_whitespace().map(str::to_owned).collect();
                    words.extend(self.place(&text, parts, &mut 0));
                }
                let block = plugin.get("configBlock").cloned();
                let lines = block.iter().filter_map(Node::str).flat_map(str::lines).enumerate();
                let body = lines.filter_map(|(number, line)| {
                    Some(self.words(block.as_ref()?, number, line)).filter(|line| !line.is_empty())
                });
                let body = body.collect();
                self.model.dns.push(Directive { words, body });
            }
        }
    }

    /// The words of a line up to a comment, each with its place.
    fn words(&self, node: &Node, number: usize, line: &str) -> Vec<Spanned<String>> {
        let mut words = Vec::new();
        let mut rest = line;
        while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
            rest = &rest[start..];
            if rest.starts_with('#') {
                break;
            }
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let column = line[..line.len() - rest.len()].chars().count();
            let word = &rest[..end];
            let span = self.line_span(node, number, column, word.chars().count());
            words.push(Spanned::new(word.to_owned(), span));
            rest = &rest[end..];
        }
        words
    }

    /// Where a part of a line (from 0) of a literal block stands; the whole value where it is
    /// written in another way.
    pub(super) fn line_span(&self, node: &Node, line: usize, column: usize, length: usize) -> Span {
        let Some(block) = node.scalar().and_then(|scalar| scalar.block) else { return node.span };
        let source = self.sources.get(node.span.source);
        let (line, column) = (block.first_line + line, block.indent + column);
        let start = source.offset(line, column);
        Span { start, end: source.offset(line, column + length), ..node.span }
    }
}
