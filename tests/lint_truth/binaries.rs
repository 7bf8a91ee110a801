//! Finding the components' binaries, and running them.

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use dualstack::lint::model::{CURRENT, Version};

/// How long a component may take to say what is awaited of it; far more than any does.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long one may take to end that has said why it will.
const GOODBYE: Duration = Duration::from_secs(30);

/// The minor version that the rules' declarations are about, such as `v1.36.`.
fn minor() -> String {
    format!("v{CURRENT}.")
}

/// The path of a component's binary, or nothing (which is printed) where there is none.
pub(crate) fn component(name: &str) -> Option<PathBuf> {
    let found = directories()
        .into_iter()
        .map(|directory| directory.join(name))
        .find(|path| path.is_file() && of_the_right_version(name, path));
    if found.is_none() {
        assert!(
            env::var_os("DUALSTACK_REQUIRE_COMPONENTS").is_none_or(|value| value.is_empty()),
            "{name} {}x is required, and was not found",
            minor()
        );
        let minor = minor();
        eprintln!("SKIPPED: no {name} {minor}x was found (see DUALSTACK_COMPONENTS)");
    }
    found
}

/// Says why a test can't be carried out here, or fails where that is not allowed.
pub(crate) fn skip(why: &str) {
    assert!(
        env::var_os("DUALSTACK_REQUIRE_COMPONENTS").is_none_or(|value| value.is_empty()),
        "required, but {why}"
    );
    eprintln!("SKIPPED: {why}");
}

fn directories() -> Vec<PathBuf> {
    if let Some(listed) = env::var_os("DUALSTACK_COMPONENTS") {
        return env::split_paths(&listed).collect();
    }
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let Some(cache) = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home) else {
        return Vec::new();
    };
    let below = |part: &str| {
        let entries = fs::read_dir(cache.join("dualstack-testbed").join(part));
        entries.into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
    };
    let parts = ["kubernetes", "older", "etcd", "containerd", "runc"];
    parts.into_iter().flat_map(below).collect()
}

/// Every binary of that name, the newest version first; none (which is said) where there is none.
pub(crate) fn every(name: &str) -> Vec<(Version, PathBuf)> {
    let Some(newest) = component(name) else { return Vec::new() };
    let mut all = vec![(CURRENT, newest)];
    for path in directories().into_iter().map(|directory| directory.join(name)) {
        let version = path.is_file().then(|| version(name, &path)).flatten();
        if let Some(version) = version.filter(|own| all.iter().all(|(known, _)| known != own)) {
            all.push((version, path));
        }
    }
    all.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    all
}

/// The version that one of Kubernetes' components says it is of.
fn version(name: &str, path: &Path) -> Option<Version> {
    let said = asked(name, path)?;
    said.split_whitespace().find_map(|word| word.strip_prefix('v')?.parse().ok())
}

fn of_the_right_version(name: &str, path: &Path) -> bool {
    !name.starts_with("kube") || asked(name, path).is_some_and(|said| said.contains(&minor()))
}

/// What a component of Kubernetes says of its version.
fn asked(name: &str, path: &Path) -> Option<String> {
    let arguments: &[&str] = match name {
        "kubeadm" => &["version", "-o", "short"],
        "kubectl" => &["version", "--client"],
        _ => &["--version"],
    };
    let output = Command::new(path).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Both streams of a command that came to its end.
pub(crate) fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// A process that is ended with the value, and what it has said so far.
pub(crate) struct Running {
    name: String,
    child: Child,
    said: Arc<Mutex<String>>,
}

/// How waiting for a process ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It said what was awaited, and still runs.
    Said,
    /// It ended by itself.
    Ended,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = format!("{:?}", command.get_program());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = Arc::new(Mutex::new(String::new()));
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        for mut stream in streams.into_iter().flatten() {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                    said.lock().unwrap().push_str(&text);
                }
            });
        }
        Self { name, child, said }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said one of the texts, or has ended.
    pub(crate) fn wait_for(&mut self, texts: &[&str]) -> Waited {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap().is_some();
            if ended {
                // What it said last may still be on its way.
                thread::sleep(Duration::from_millis(100));
            }
            let said = self.said();
            if texts.iter().any(|text| said.contains(text)) {
                return Waited::Said;
            }
            if ended {
                return Waited::Ended;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{} said none of {texts:?}:\n{}",
                self.name,
                said.lines().rev().take(40).collect::<Vec<_>>().join("\n")
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it ends by itself, soon after it has said why.
    pub(crate) fn ends(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap().is_some();
            if ended || begun.elapsed() > GOODBYE {
                return ended;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
