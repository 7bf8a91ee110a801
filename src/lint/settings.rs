//! `.dualstack.toml`: what a repository says about linting it, so that nobody has to repeat it.

use std::{fs, io, path::Path};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{error::LintError, model::Version};

/// The file's name.
const NAME: &str = ".dualstack.toml";

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    lint: Settings,
}

/// Its section `lint`: the options of the command by the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Settings {
    /// Rules whose findings are ignored.
    pub(super) allow: Vec<String>,
    /// Levels and rules whose findings are errors.
    pub(super) deny: Vec<String>,
    /// The Kubernetes version.
    #[serde(deserialize_with = "version")]
    pub(super) kubernetes_version: Option<Version>,
    /// How many nodes are planned.
    pub(super) nodes: Option<u64>,
    /// How many Pods are planned for each node.
    pub(super) pods_per_node: Option<u64>,
    /// How many Services are planned.
    pub(super) services: Option<u64>,
}

/// The settings of the directory, or of the nearest one above it within the same repository; none
/// where no such file is.
///
/// # Errors
///
/// If the file can't be read, or says what no setting is.
pub(super) fn load(directory: &Path) -> Result<Settings, LintError> {
    for directory in directory.ancestors() {
        let path = directory.join(NAME);
        match fs::read_to_string(&path) {
            Ok(text) => {
                return match toml::from_str::<File>(&text) {
                    Ok(file) => Ok(file.lint),
                    Err(error) => {
                        let cause = error.to_string().trim_end().to_owned();
                        Err(LintError::Settings { path, cause })
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(LintError::Settings { path, cause: error.to_string() });
            }
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    Ok(Settings::default())
}

fn version<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(source)?;
    text.parse().map(Some).map_err(D::Error::custom)
}
