//! The command line from outside: what it prints, and with which exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "cli/reports.rs"]
mod reports;
#[path = "cli/saved_runs.rs"]
mod saved_runs;
#[path = "cli/sysdump.rs"]
mod sysdump;

use std::{fs, path::Path, process::Output};

use assert_cmd::Command;
use dualstack::exit::Exit;
use quick_junit::Report;
use serde_json::Value;

/// The command, in an environment without a cluster and without anybody's settings.
fn dualstack() -> Command {
    let mut command = Command::cargo_bin("dualstack").unwrap();
    command.env_clear().env("HOME", "/nonexistent");
    command
}

fn run(arguments: &[&str]) -> Output {
    dualstack().args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts the exit code, and that stderr says each of these.
#[track_caller]
fn refused(arguments: &[&str], exit: Exit, says: &[&str]) {
    let output = run(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(exit.code().into()), "{text}");
    for part in says {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert_eq!(stdout(&output), "", "an error is no result");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_wrong_flag_is_refused_with_the_nearest_one() {
    refused(&["run", "--namespac", "x"], Exit::Usage, &["--namespac", "--namespace"]);
}

#[test]
fn no_command_says_what_to_do_next_and_is_a_usage_error() {
    refused(&[], Exit::Usage, &["Usage: dualstack", "dualstack run ", "`dualstack help` lists"]);
    let text = stderr(&run(&[]));
    assert!(text.lines().count() < 12, "it is short: {text}");
    assert_eq!(text.lines().find(|line| line.chars().count() > 80), None);
    assert!(stdout(&run(&["help"])).contains("Exit codes:"));
}

#[test]
fn an_unknown_check_is_refused_with_the_nearest_one() {
    for arguments in [
        ["run", "node::pod_cidr"],
        ["run", "--check=node::pod_cidr"],
        ["run", "--skip=node::pod_cidr"],
    ] {
        refused(&arguments, Exit::Usage, &["did you mean `node::pod_cidrs`?"]);
    }
    refused(&["explain", "node::pod_cidr"], Exit::Usage, &["did you mean `node::pod_cidrs`?"]);
}

#[test]
fn a_selection_that_leaves_nothing_has_an_exit_code_of_its_own() {
    refused(
        &["run", "--check", "node", "--skip", "node"],
        Exit::NothingSelected,
        &["no checks selected from suite dual-stack"],
    );
}

#[test]
fn an_unknown_suite_is_refused_with_those_there_are() {
    refused(&["run", "--suite", "dual"], Exit::Usage, &["`dual`", "dual-stack-ipv6-primary"]);
}

#[test]
fn a_malformed_suite_is_refused_with_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.yaml");
    fs::write(&path, "name: mine\ndescription: x\nfamilies: [IPv5]\nchecks: [node]\n").unwrap();
    let path = path.to_str().unwrap();
    refused(&["run", "--suite", path], Exit::Usage, &[path, "line 3", "IPv5"]);
    refused(&["list", "--suite", path], Exit::Usage, &[path, "line 3"]);
}

#[test]
fn a_parameter_outside_its_limits_is_refused() {
    refused(
        &["run", "--attempt-timeout", "1ms"],
        Exit::Usage,
        &["timeout_ms is 1", "expected 100 to"],
    );
    refused(&["run", "--timeout", "90"], Exit::Usage, &["--timeout", "with a unit"]);
    refused(&["run", "--toleration", "a:Never"], Exit::Usage, &["KEY[=VALUE][:EFFECT]"]);
    refused(&["run", "--pull-secret", "a/b/c"], Exit::Usage, &["NAMESPACE/NAME"]);
    refused(&["run", "--node-selector", "zone"], Exit::Usage, &["LABEL=VALUE"]);
    refused(&["plan", "--mesh", "0"], Exit::Usage, &["--mesh", "`full` or a number above 0"]);
    refused(&["plan", "--nodes", "n1,n1"], Exit::Usage, &["node n1 is named twice"]);
    refused(&["run", "--dry-run", "--nodes", "0"], Exit::Usage, &["number above 0"]);
    refused(&["run", "--nodes", "0"], Exit::Usage, &["--nodes", "number above 0"]);
    refused(&["run", "--nodes", "n1 n2"], Exit::Usage, &["--nodes", "n1,n2"]);
    refused(&["run", "--nodes", "n1,n2,n1"], Exit::Usage, &["node n1 is named twice"]);
    for url in ["nonsense", "ftp://example.com", "http://", "http://example.com:99999"] {
        let wanted = "expected http://HOST[:PORT] or https://HOST[:PORT]";
        refused(&["run", "--egress-target", url], Exit::Usage, &["--egress-target", wanted]);
    }
    refused(
        &["run", "--egress", "off", "--egress-target", "http://example.com"],
        Exit::Usage,
        &["nothing connects to --egress-target http://example.com/, because egress is off"],
    );
    refused(&["run", "--mesh", "0"], Exit::Usage, &["--mesh", "`full` or a number above 0"]);
}

#[test]
fn an_image_that_no_container_runtime_takes_is_refused() {
    refused(
        &["run", "--image-registry", "http://registry.example"],
        Exit::Usage,
        &["--image-registry", "write registry.example, without http://"],
    );
    refused(&["run", "--nginx-image", "Nginx"], Exit::Usage, &["--nginx-image", "lower-case"]);
    refused(&["run", "--busybox-image", "a:b:c"], Exit::Usage, &["--busybox-image"]);
}

#[test]
fn no_kubeconfig_is_refused_with_the_ways_to_get_a_cluster() {
    let output = run(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("no kubeconfig found"), "{text}");
    assert!(text.contains("kind create cluster"), "{text}");
}

#[test]
fn an_unwritable_report_is_refused_before_anything_is_begun() {
    for option in ["--junit", "--json"] {
        let output = run(&["run", option, "/nonexistent/report"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("/nonexistent/report"), "{text}");
        assert!(!text.contains("connecting"), "nothing may be begun: {text}");
    }
}

#[test]
fn a_plan_has_no_reports() {
    let with_a_file = ["run", "--dry-run", "--html", "/nonexistent/page"];
    refused(&with_a_file, Exit::Usage, &["nothing to report", "--output json"]);
    refused(&["plan", "--html", "page"], Exit::Usage, &["unexpected argument '--html'"]);
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = unreachable_cluster(directory.path());
    for plan in [&["plan"][..], &["plan", "-o", "json"], &["run", "--dry-run"]] {
        let says = ["127.0.0.1:1"];
        refused(&[plan, &["--kubeconfig", &kubeconfig]].concat(), Exit::Cluster, &says);
    }
}

#[test]
fn nothing_is_printed_of_a_run_with_the_output_none() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = unreachable_cluster(directory.path());
    let said = |output: &str| {
        let output = run(&["run", "--kubeconfig", &kubeconfig, "--output", output]);
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(stdout(&output), "");
        stderr(&output)
    };
    assert_eq!(said("none").lines().count(), 1, "the error alone");
    for output in ["table", "json"] {
        assert!(said(output).contains("connecting"), "{output}");
    }
}

#[test]
fn two_reports_into_one_place_are_refused() {
    refused(&["run", "--junit", "-", "--json", "-"], Exit::Usage, &["cannot both go to -"]);
    refused(&["run", "-o", "json", "--junit", "-"], Exit::Usage, &["cannot both go to -"]);
}

#[test]
fn a_run_without_a_cluster_leaves_a_junit_report_with_an_error_and_no_stale_record() {
    let directory = tempfile::tempdir().unwrap();
    let (junit, json) = (directory.path().join("r.xml"), directory.path().join("r.json"));
    fs::write(&json, "{\"an earlier\": \"run\"}").unwrap();
    let output = dualstack()
        .arg("run")
        .arg("--junit")
        .arg(&junit)
        .arg("--json")
        .arg(&json)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let report = Report::deserialize_from_str(&fs::read_to_string(&junit).unwrap()).unwrap();
    assert_eq!((report.tests, report.errors), (1, 1));
    assert!(!json.exists(), "an earlier run's record must not pass for this one's");
}

#[test]
fn a_target_that_nothing_tests_or_that_is_no_name_is_refused() {
    refused(&["run", "--target", "web"], Exit::Usage, &["--target", "NAMESPACE/NAME of a Service"]);
    refused(
        &["run", "dns", "--target", "team/web"],
        Exit::Usage,
        &["nothing tests --target team/web", "add target to the checks"],
    );
    refused(&["run", "target"], Exit::Usage, &["--target NAMESPACE/NAME"]);
}

#[test]
fn list_needs_no_cluster_and_names_every_check_and_suite() {
    let output = run(&["list"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    for check in dualstack::check::REGISTRY.iter() {
        assert!(text.contains(check.id()), "{text}");
    }
    for (suite, _) in dualstack::suites::EMBEDDED {
        assert!(text.contains(suite), "{text}");
    }
}

#[test]
fn list_as_json_has_every_check_with_its_reason() {
    let listing: Value = serde_json::from_slice(&run(&["list", "--json"]).stdout).unwrap();
    let checks = listing["checks"].as_array().unwrap();
    assert_eq!(checks.len(), dualstack::check::REGISTRY.len());
    assert!(checks.iter().all(|check| check["why"].as_str().is_some_and(|why| !why.is_empty())));
}

#[test]
fn list_names_every_permission_that_a_check_needs() {
    let listing: Value = serde_json::from_slice(&run(&["list", "--json"]).stdout).unwrap();
    let text = stdout(&run(&["list"]));
    // However the lines are broken.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let needs = listing["checks"].as_array().unwrap().iter();
    let needs: Vec<_> = needs.flat_map(|check| check["needs"].as_array().unwrap()).collect();
    assert!(needs.len() > 100, "{needs:?}");
    for permission in needs {
        let permission = permission.as_str().unwrap();
        assert!(text.contains(permission), "{permission}: {text}");
    }
}

#[test]
fn every_check_can_be_explained() {
    for check in dualstack::check::REGISTRY.iter() {
        let text = stdout(&run(&["explain", check.id()]));
        assert!(text.starts_with(check.id()) && text.contains("Source"), "{text}");
    }
}

#[test]
fn the_schema_is_json_that_knows_the_checks() {
    let schema: Value = serde_json::from_slice(&run(&["schema"]).stdout).unwrap();
    assert!(schema["properties"]["checks"].to_string().contains("node::pod_cidrs"));
}

#[test]
fn completions_and_manual_pages_are_made_for_every_command() {
    let script = stdout(&run(&["completions", "bash"]));
    assert!(script.contains("--wait-namespace"), "run's options are completed");
    let directory = tempfile::tempdir().unwrap();
    let output = dualstack().args(["man", "--directory"]).arg(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for page in ["dualstack.1", "dualstack-run.1", "dualstack-judge.1"] {
        assert!(directory.path().join(page).is_file(), "{page}");
    }
    assert!(stdout(&run(&["man"])).contains(".TH dualstack"));
    refused(&["man", "--directory", "/nonexistent"], Exit::Usage, &["/nonexistent"]);
}

#[test]
fn the_help_shows_examples_and_every_exit_code() {
    let help = stdout(&run(&["run", "--help"]));
    assert!(help.contains("dualstack run --context staging --junit results.xml"), "{help}");
    // Pipelines depend on these numbers.
    let table = "Exit codes:
  0    everything passed
  1    something failed
  2    the command line, a file or an output path can't be used
  3    the cluster can't be reached, denies access or can't host the workload
  4    the selection matches no check
  5    nothing failed, but something could not be determined
  130  interrupted; what was known has been reported
";
    for help in [help, stdout(&run(&["--help"]))] {
        assert!(help.contains(table), "{help}");
    }
}

/// A kubeconfig of a server on a port of this machine where nothing listens.
fn unreachable_cluster(directory: &Path) -> String {
    let path = directory.join("config");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
        contexts: [{name: here, context: {cluster: c}}]\n\
        clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    fs::write(&path, config).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn verbose_logs_how_long_each_step_took_and_quiet_logs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = unreachable_cluster(directory.path());
    let log = |arguments: &[&str]| {
        let output =
            dualstack().args(["run", "--kubeconfig", &kubeconfig]).args(arguments).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        stderr(&output)
    };
    let text = log(&["-v"]);
    assert!(text.contains("INFO connect: ") && text.contains("time.idle="), "{text}");
    assert!(!log(&[]).contains("INFO"), "no log unless asked for");
    let text = log(&["-v", "--log-format", "json"]);
    let logged: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    // Other lines of the same step may come before, such as those of the HTTP client.
    let closed = logged
        .iter()
        .find(|line| line["span"]["name"] == "connect" && line["fields"]["message"] == "close");
    let closed = closed.unwrap_or_else(|| panic!("no end of connect: {text}"));
    assert!(closed["fields"]["time.idle"].is_string(), "{text}");
}

#[test]
fn the_environment_may_ask_for_logs_but_not_with_nonsense() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = unreachable_cluster(directory.path());
    let log = |filter: &str| {
        let mut command = dualstack();
        command.args(["run", "--kubeconfig", &kubeconfig]).env("DUALSTACK_LOG", filter);
        let output = command.output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let (_, text) = log("dualstack=info");
    assert!(text.contains("INFO connect: "), "{text}");
    let (code, text) = log("dualstack=loud");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("invalid DUALSTACK_LOG `dualstack=loud`"), "{text}");
}

#[test]
fn kubectl_finds_the_same_program_under_the_plugins_name() {
    let mut plugin = Command::cargo_bin("kubectl-dualstack").unwrap();
    let output = plugin.env_clear().args(["run", "--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("Usage: kubectl dualstack run"), "{}", stdout(&output));
}

#[test]
fn colours_are_shown_only_when_asked_for_and_no_color_wins_over_the_default() {
    let list = |configure: &dyn Fn(&mut Command)| {
        let mut command = dualstack();
        command.arg("list");
        configure(&mut command);
        stdout(&command.output().unwrap()).contains('\u{1b}')
    };
    assert!(!list(&|_| {}), "no terminal, no colours");
    assert!(list(&|command| {
        command.env("CLICOLOR_FORCE", "1");
    }));
    assert!(list(&|command| {
        command.arg("--color=always");
    }));
    assert!(!list(&|command| {
        command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    }));
    assert!(list(&|command| {
        command.env("NO_COLOR", "1").arg("--color=always");
    }));
}

#[test]
fn text_is_as_wide_as_columns_says_where_there_is_no_terminal() {
    let widest = |columns: &str| {
        let output = dualstack().arg("list").env("COLUMNS", columns).output().unwrap();
        stdout(&output).lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest("70") <= 70);
    assert!(widest("160") > 70);
}

/// What a run saw that asked for the checks of nodes alone.
const NODE_CHECKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/node-checks.json");

/// The record of that run in a file, changed.
fn saved(directory: &Path, change: impl FnOnce(&mut Value)) -> String {
    let mut record: Value = serde_json::from_slice(&fs::read(NODE_CHECKS).unwrap()).unwrap();
    change(&mut record);
    let path = directory.join("run.json");
    fs::write(&path, record.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn reports_for_which_the_disk_is_full_are_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let judge = |temporary: &Path| {
        let arguments = ["judge", NODE_CHECKS, "--junit", "/dev/full", "--json", "/dev/full"];
        let output = dualstack().args(arguments).env("TMPDIR", temporary).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "a success is none without its reports");
        stderr(&output)
    };
    let text = judge(directory.path());
    let saved: Vec<_> = fs::read_dir(&directory).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(saved.len(), 2, "{text}");
    for path in saved {
        assert!(text.contains(&format!("saved to {} instead", path.display())), "{text}");
        let content = fs::read_to_string(path).unwrap();
        assert!(content.starts_with("<?xml") || content.starts_with('{'), "{content}");
    }
    // Where there is no room at all, what was found is printed.
    let text = judge(Path::new("/nonexistent"));
    assert!(text.contains("printed to stderr instead") && text.contains("\"facts\""), "{text}");
}

#[cfg(unix)]
#[test]
fn a_credential_plugin_that_hangs_is_named_while_it_is_waited_for_and_then_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
        contexts: [{name: here, context: {cluster: c, user: u}}]\n\
        clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
        users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, \
        command: sleep, args: ['6'], interactiveMode: Never}}}]\n";
    fs::write(&path, config).unwrap();
    let mut command = dualstack();
    command.args(["run", "--connect-timeout", "1500ms", "--kubeconfig"]).arg(&path);
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("the kubeconfig's credential plugin"), "{text}");
    assert!(text.contains("it returned no credentials within 4.5 s"), "{text}");
}
