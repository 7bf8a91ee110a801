//! What nodes prove their right to join with.

use std::{fmt::Write as _, fs::File, io::Read};

use crate::error::{Context, Result};

/// A bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`.
#[derive(Clone, Debug)]
pub(super) struct Token(pub(super) String);

/// The AES key with which certificates lie in the cluster for further control planes: 32 bytes in
/// hexadecimal.
#[derive(Clone, Debug)]
pub(super) struct CertificateKey(pub(super) String);

/// The secrets of one cluster.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub(super) token: Token,
    pub(super) certificate_key: CertificateKey,
}

impl Secrets {
    /// Random ones.
    pub fn generate() -> Result<Self> {
        Ok(Self::of(&random()?, &random()?))
    }

    /// Ones for show, in a configuration that no cluster is made of.
    pub(super) fn example() -> Self {
        Self {
            token: Token("abcdef.0123456789abcdef".to_owned()),
            certificate_key: CertificateKey("0".repeat(64)),
        }
    }

    fn of(token: &[u8; 22], key: &[u8; 32]) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
        let text = |part: &[u8]| part.iter().map(letter).collect::<String>();
        let (id, secret) = token.split_at(6);
        let hexadecimal = key.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self {
            token: Token(format!("{}.{}", text(id), text(secret))),
            certificate_key: CertificateKey(hexadecimal),
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context(|| "read random bytes".to_owned())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_forms_that_kubeadm_asks_for() {
        for secrets in [Secrets::generate().unwrap(), Secrets::example()] {
            let (id, secret) = secrets.token.0.split_once('.').unwrap();
            assert_eq!((id.len(), secret.len()), (6, 16));
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            assert!(secrets.token.0.chars().all(|c| c == '.' || fits(c)));
            let key = secrets.certificate_key.0;
            assert!(key.len() == 64 && key.chars().all(|c| c.is_ascii_hexdigit()), "{key}");
        }
    }
}
