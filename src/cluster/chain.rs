//! Finding the telling error in a chain of them.

use std::{error::Error, io};

use kube::core::Status;

/// An error and everything it wraps, outermost first. Unlike [`Error::source`] this also opens
/// `io::Error`s, which hide what they wrap.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // No error nests so deeply; a source that cycles must not hang us.
    const DEEPEST: usize = 32;
    std::iter::successors(Some(error), |error| inner(*error)).take(DEEPEST)
}

fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// What the innermost error says: the outer ones mostly say only that something failed. Of an
/// answer of the API server its message alone.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let innermost = chain(error).last().unwrap_or(error);
    if let Some(status) = innermost.downcast_ref::<Box<Status>>() {
        return status.message.trim().to_owned();
    }
    // TLS libraries tell at length how a connection ought to be closed.
    let closed = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
    if chain(error).filter_map(|error| error.downcast_ref()).any(closed) {
        return "the connection was closed".to_owned();
    }
    innermost.to_string()
}

/// The first error of a type.
pub(crate) fn first_of<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn errors_inside_io_errors_are_found() {
        let inner = rustls::Error::EncryptError;
        let outer = Outer(io::Error::new(io::ErrorKind::InvalidData, inner.clone()));
        assert_eq!(first_of::<rustls::Error>(&outer), Some(&inner));
        assert_eq!(innermost(&outer), inner.to_string());
    }

    #[test]
    fn a_connection_that_was_closed_is_described_in_few_words() {
        let long = io::Error::new(io::ErrorKind::UnexpectedEof, "see the manual on close_notify");
        assert_eq!(innermost(&Outer(long)), "the connection was closed");
    }
}
