//! What `dualstack lint` makes of input that nobody means to give it: a message each time, an exit
//! code, no panic, and no more memory than it is allowed.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// The address space that the command may have, in KiB: as bounded as its input is not.
const MEMORY: usize = 1_500_000;

/// Runs `dualstack lint` by a shell's words, in a directory, with bounded memory.
fn lint(directory: &Path, words: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_dualstack");
    let output = Command::new("sh")
        .current_dir(directory)
        .args(["-c", &format!("ulimit -v {MEMORY}; exec '{program}' lint {words}")])
        .output()
        .unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!said.contains("panicked") && !said.contains("memory allocation"), "{words}: {said}");
    assert!(output.status.code().is_some(), "{words}: {:?}\n{said}", output.status);
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Lints a file of these bytes; it must end with the code, and print the text.
#[track_caller]
fn file(bytes: impl AsRef<[u8]>, code: i32, says: &str) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), bytes).unwrap();
    assert_lint(&lint(directory.path(), "a.yaml"), code, says);
}

#[track_caller]
fn assert_lint(output: &Output, code: i32, says: &str) {
    let said = text(&output.stdout);
    assert!(said.contains(says), "no {says:?} in: {said}");
    assert_eq!(output.status.code(), Some(code), "{said}");
}

/// The command must refuse its arguments, and say so on stderr only.
#[track_caller]
fn refused(output: &Output, says: &str) {
    let said = text(&output.stderr);
    assert!(said.contains(says), "no {says:?} in: {said}");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{said}");
}

const HEAD: &str = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

#[test]
fn files_without_a_document_are_named_and_do_not_pass() {
    file("", 4, "a.yaml is empty");
    file("\u{FEFF}\r\n \r\n", 4, "a.yaml is empty");
    file("# a comment\n---\n...\n", 4, "a.yaml contains no document");
}

#[test]
fn binary_files_are_named() {
    file(fs::read("/proc/self/exe").unwrap(), 1, "not a text file: zero byte");
    file(b"\x89PNG\r\n\x1a\n\x00\x00", 1, "not a text file");
    let gzip = b"\x1f\x8b\x08\x01\x01\x01\x01\x01\x01\x03";
    file(gzip, 1, "not UTF-8: invalid byte at offset 1");
}

#[test]
fn other_encodings_are_named_with_what_to_do() {
    file(b"a: caf\xe9\n", 1, "Convert the file to UTF-8");
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        let encoded = |text: &str| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let marked = format!("\u{FEFF}{HEAD}bindAddress: nowhere\n");
        file(encoded(&marked), 1, "this file is UTF-16; Kubernetes tools expect UTF-8");
        // It is linted all the same.
        file(encoded(&marked), 1, "\"nowhere\" is not an IP address");
        file(encoded(HEAD), 1, "zero byte at offset");
    }
    let wide: Vec<u8> = "\u{FEFF}a: 1".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    file(wide, 1, "this file looks like UTF-16, but is not text");
}

#[test]
fn a_hundred_megabytes_are_refused_by_their_size_before_they_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let large = fs::File::create(directory.path().join("large.yaml")).unwrap();
    large.set_len(100 << 20).unwrap();
    for words in ["large.yaml", "- < large.yaml", ".", "- < /dev/zero"] {
        assert_lint(&lint(directory.path(), words), 1, "is larger than 8388608 bytes");
    }
    let raised = lint(directory.path(), "--max-file-size 200000000 large.yaml");
    assert_lint(&raised, 1, "not a text file: zero byte at offset 0");
}

#[test]
fn large_texts_of_every_shape_end_within_the_memory() {
    let size = 1 << 16;
    for piece in ["\n", "a\n", "- ", "- a\n", "a: 1\n", "---\n", "# x\n", "\"", "'", "é", "%", "\t"]
    {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("{HEAD}mode: {}", piece.repeat(size / piece.len()));
        fs::write(directory.path().join("a.yaml"), text).unwrap();
        lint(directory.path(), "--format json a.yaml");
    }
}

#[test]
fn long_command_lines_take_no_more_time_than_their_length() {
    let many = |count: usize, word: fn(usize) -> String, between: &str| {
        (0..count).map(word).collect::<Vec<_>>().join(between)
    };
    let join = "kubeadm join --token a";
    let lines = [
        format!("{} {join}", many(40_000, |at| format!("A{at}=b"), " ")),
        format!("sudo {} {join}", "-E ".repeat(40_000)),
        format!("helm install c x/cilium --set {}", many(40_000, |at| format!("a.b{at}=1"), ",")),
        format!("k3s server --cluster-cidr a {}", many(40_000, |at| format!("--a{at}=1"), " ")),
    ];
    for line in lines {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.sh"), line).unwrap();
        // Seconds of the processor: far more than it takes, and a small part of what a search of
        // all words at each word took.
        let output = Command::new("sh")
            .current_dir(directory.path())
            .args(["-c", "ulimit -t 20; exec \"$0\" lint a.sh", env!("CARGO_BIN_EXE_dualstack")])
            .output()
            .unwrap();
        assert!(output.status.code().is_some(), "{:?}", output.status);
    }
}

#[test]
fn deep_nesting_ends_with_a_message() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("[{a: ", "}]")] {
        let deep = |levels: usize| {
            format!("{HEAD}mode:\n  {}1{}\n", open.repeat(levels), close.repeat(levels))
        };
        file(deep(100), 1, "error[DS005]: nested more than 64 levels deep");
        // However deep, and closed or not.
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("deep.yaml"), deep(50_000)).unwrap();
        fs::write(directory.path().join("open.yaml"), open.repeat(50_000)).unwrap();
        assert_lint(&lint(directory.path(), "deep.yaml"), 1, "error[DS00");
        lint(directory.path(), "open.yaml");
    }
    let blocks: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    file(format!("{HEAD}mode:\n a:\n{}", blocks.replace("a:", "  a:")), 1, "nested more than");
}

/// Ten aliases to ten aliases, and so on: 10^`levels` values.
fn bomb(levels: usize, first: &str) -> String {
    let mut text = format!("{HEAD}a0: &a0 [{first}]\n");
    for level in 1..levels {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    text
}

#[test]
fn alias_bombs_end_with_a_message() {
    file(bomb(12, "x, x, x, x, x, x, x, x, x, x"), 1, "values once aliases are expanded");
    // Few values, each of much text.
    file(bomb(6, &"x".repeat(100_000)), 1, "values once aliases are expanded");
    // Each document by itself stays below the bound of one.
    let many = vec![bomb(5, "x, x, x, x, x, x, x, x, x, x"); 1000].join("---\n");
    file(many, 1, "values in all files; not read beyond this point");
    file(format!("{HEAD}mode: &a [*a]\n"), 1, "refers to a value that contains the alias itself");
    file(format!("{HEAD}mode: *a\n"), 1, "refers to an anchor");
}

#[test]
fn bombs_inside_documents_inside_documents_end_with_a_message() {
    let inner: String =
        bomb(5, "x, x, x, x, x, x, x, x, x, x").lines().map(|l| format!("        {l}\n")).collect();
    let map = format!(
        "    kind: ConfigMap\n    apiVersion: v1\n    data:\n      config.conf: |\n{inner}"
    );
    let items = "  - *map\n".repeat(2000);
    file(
        format!("apiVersion: v1\nkind: List\nitems:\n  - &map\n{map}{items}"),
        1,
        "values in all files; not read beyond this point",
    );
}

/// A directory that holds itself, in several ways.
fn looping() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    symlink("../..", below.join("up")).unwrap();
    symlink("..", directory.path().join("a/parent")).unwrap();
    symlink("self", directory.path().join("self")).unwrap();
    symlink("two.yaml", directory.path().join("one.yaml")).unwrap();
    symlink("one.yaml", directory.path().join("two.yaml")).unwrap();
    fs::write(below.join("a.yaml"), HEAD).unwrap();
    directory
}

#[test]
fn directories_that_loop_are_read_once_and_reported() {
    let directory = looping();
    let output = lint(directory.path(), ".");
    assert_lint(&output, 0, "links back to a directory that was already read");
    assert!(text(&output.stdout).contains("1 document linted"), "{}", text(&output.stdout));
    // A loop that is named is a wrong argument.
    refused(&lint(directory.path(), "one.yaml"), "cannot read one.yaml");
}

#[test]
fn unreadable_files_are_errors_and_missing_ones_wrong_arguments() {
    let directory = tempfile::tempdir().unwrap();
    refused(
        &lint(directory.path(), "gone.yaml"),
        "cannot read gone.yaml: no such file or directory",
    );
    let _socket = UnixListener::bind(directory.path().join("socket.yaml")).unwrap();
    assert_lint(&lint(directory.path(), "socket.yaml"), 1, "socket.yaml can't be read");
    // Opened, but never read: address 0 of a process's memory.
    assert_lint(&lint(directory.path(), "/proc/self/mem"), 1, "/proc/self/mem can't be read");
    refused(&lint(directory.path(), ". a.yaml/b"), "cannot read a.yaml/b");
    // An empty directory doesn't pass.
    assert_lint(&lint(directory.path(), "."), 4, "no documents to lint");
}

#[test]
fn closed_streams_are_no_crash() {
    let directory = tempfile::tempdir().unwrap();
    assert_lint(&lint(directory.path(), "- <&-"), 4, "<stdin> is empty");
    fs::write(directory.path().join("a.yaml"), HEAD).unwrap();
    lint(directory.path(), "a.yaml >&-");
    lint(directory.path(), "a.yaml > /dev/full");
    lint(directory.path(), "--rules | head -n 1");
}

#[test]
fn an_unreachable_cluster_and_an_unknown_rule_have_their_own_exit_codes() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, \
                      context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\nclusters: \
                      [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\n";
    fs::write(directory.path().join("config"), kubeconfig).unwrap();
    fs::write(directory.path().join("a.yaml"), HEAD).unwrap();
    let live = lint(directory.path(), "a.yaml --live --kubeconfig config");
    assert_eq!(live.status.code(), Some(3), "{}", text(&live.stderr));
    assert!(!live.stderr.is_empty() && live.stdout.is_empty());
    let unknown = lint(directory.path(), "a.yaml --deny DS000");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("unknown rule DS000"), "{}", text(&unknown.stderr));
    assert_lint(&lint(directory.path(), "--deny warnings a.yaml"), 0, "no findings");
}
