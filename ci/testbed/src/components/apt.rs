//! The machine's own apt: where its packages come from, and how it reaches them.
//!
//! Nothing of it is changed: what is taken from Debian here is taken with a configuration of its
//! own.

use std::{fs, process::Command};

/// The name of the release this machine runs, such as `bookworm`.
pub(super) fn codename() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(value.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

/// One repository that apt is configured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Its address, ending in a slash.
    pub uri: String,
    /// The suite, such as `bookworm-updates`.
    pub suite: String,
    /// The component, such as `main`.
    pub component: String,
}

impl Source {
    /// The line of a sources.list that takes packages of a kind (`deb` or `deb-src`) from it.
    pub(super) fn line(&self, kind: &str) -> String {
        let signed = keyring().map(|keys| format!("[signed-by={keys}] ")).unwrap_or_default();
        format!("{kind} {signed}{} {} {}", self.uri, self.suite, self.component)
    }
}

/// The archive's keys, which a private configuration has to name.
fn keyring() -> Option<&'static str> {
    [
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    ]
    .into_iter()
    .find(|path| fs::exists(path).unwrap_or(false))
}

/// The machine's repositories of one release: the release itself, its updates and its security
/// fixes.
pub(super) fn sources(codename: &str) -> std::io::Result<Vec<Source>> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)"])
        .output()?;
    Ok(of_release(&String::from_utf8_lossy(&output.stdout), codename))
}

fn of_release(targets: &str, codename: &str) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for line in targets.lines() {
        let [created_by, uri, suite, component] = line.split_whitespace().collect::<Vec<_>>()[..]
        else {
            continue;
        };
        let ours = suite
            .strip_prefix(codename)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let source = Source { uri: uri.into(), suite: suite.into(), component: component.into() };
        if created_by == "Packages" && ours && !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// How the machine's apt reaches its repositories and what it asks of them (proxies, date checks,
/// retries), as options that another configuration takes over. A mirror that stumbles is asked
/// again, unless the machine says otherwise.
pub(super) fn acquisition() -> std::io::Result<Vec<String>> {
    let output = Command::new("apt-config").args(["dump", "Acquire"]).output()?;
    Ok(taken_over(&String::from_utf8_lossy(&output.stdout)))
}

fn taken_over(dump: &str) -> Vec<String> {
    const NAMES: [&str; 6] =
        ["Check-Valid-Until", "Check-Date", "Max-FutureTime", "Retries", "ForceIPv4", "ForceIPv6"];
    let wanted = |line: &&str| {
        let Some((name, value)) =
            line.strip_prefix("Acquire::").and_then(|rest| rest.split_once(' '))
        else {
            return false;
        };
        value != "\"\";"
            && (NAMES.contains(&name) || name.starts_with("http::") || name.starts_with("https::"))
    };
    let mut options: Vec<String> = dump.lines().filter(wanted).map(str::to_owned).collect();
    if !options.iter().any(|option| option.starts_with("Acquire::Retries ")) {
        options.push("Acquire::Retries \"3\";".into());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_of_the_release_and_its_pockets_are_taken() {
        let targets = "\
Packages http://a.test/debian/ bookworm main
Translations http://a.test/debian/ bookworm main
Packages http://a.test/debian/ bookworm-updates main
Packages http://a.test/debian/ bookworm main
Packages http://b.test/apt/ cloud-sdk-bookworm main
Packages http://b.test/apt/ bookwormish main
Packages http://b.test/flat/ ./
";
        let suites: Vec<_> =
            of_release(targets, "bookworm").into_iter().map(|source| source.suite).collect();
        assert_eq!(suites, ["bookworm", "bookworm-updates"]);
    }

    #[test]
    fn the_machines_own_number_of_retries_stands() {
        assert_eq!(taken_over("Acquire::Retries \"0\";\n"), ["Acquire::Retries \"0\";"]);
    }

    #[test]
    fn proxies_and_date_checks_are_taken_over_and_what_is_about_other_things_is_not() {
        let dump = "\
Acquire \"\";
Acquire::Check-Valid-Until \"false\";
Acquire::cdrom::mount \"/media/cdrom/\";
Acquire::http \"\";
Acquire::http::Proxy \"http://proxy.test:3128\";
Acquire::Languages \"\";
";
        assert_eq!(
            taken_over(dump),
            [
                "Acquire::Check-Valid-Until \"false\";",
                "Acquire::http::Proxy \"http://proxy.test:3128\";",
                "Acquire::Retries \"3\";",
            ]
        );
    }
}
