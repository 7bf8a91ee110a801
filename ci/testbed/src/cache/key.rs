//! What an artefact is keyed by: a digest of everything that it is made from.

use std::{fmt, path::PathBuf};

use sha2::{Digest, Sha256};

use crate::images::hex;

/// The digest of an artefact's inputs, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Starts a key with the name of the recipe.
    pub fn of(recipe: &str) -> KeyBuilder {
        KeyBuilder(Sha256::new()).input("recipe", recipe)
    }

    /// Starts the key of what is made of other artefacts. Their paths in the cache end with their own
    /// keys.
    pub fn of_artefacts(recipe: &str, inputs: &[&PathBuf]) -> KeyBuilder {
        let keys =
            inputs.iter().map(|path| path.file_name().unwrap_or_default().as_encoded_bytes());
        keys.fold(Self::of(recipe), |key, input| key.input("artefact", input))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gathers the inputs of an artefact, in a fixed order.
#[derive(Debug)]
pub struct KeyBuilder(Sha256);

impl KeyBuilder {
    /// Adds an input. Name and value go in with their lengths, so that no two lists of inputs look
    /// alike.
    #[must_use]
    pub fn input(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// The key: 64 bits, which is plenty for the few artefacts of one cache and leaves short paths.
    pub fn finish(self) -> Key {
        Key(hex(&self.0.finalize()[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_inputs_give_the_same_key() {
        let key = || Key::of("go").input("version", "v1").input("go.sum", "abc").finish();
        assert_eq!(key(), key());
    }

    #[test]
    fn every_input_counts() {
        let key = Key::of("go").input("version", "v1").finish();
        assert_ne!(key, Key::of("rust").input("version", "v1").finish());
        assert_ne!(key, Key::of("go").input("version", "v2").finish());
        assert_ne!(key, Key::of("go").input("flags", "v1").finish());
        assert_ne!(key, Key::of("go").input("version", "v1").input("flags", "").finish());
    }

    #[test]
    fn inputs_do_not_run_into_each_other() {
        assert_ne!(
            Key::of("x").input("a", "bc").input("d", "").finish(),
            Key::of("x").input("a", "b").input("cd", "").finish()
        );
    }
}
