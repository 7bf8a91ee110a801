//! The testbed's clusters, of every shape: what kubeadm is given for them lints clean, and the real
//! kubeadm takes it.

use std::{fs, process::Command};

use dualstack::lint::{Input, Options, Outcome, model::CURRENT, run};
use tempfile::TempDir;
use testbed::{
    components,
    kubeadm::configurations,
    shape::{SHAPES, Shape},
};

use super::binaries::{component, text};

/// The configuration of each node of a shape, in files of their own.
fn files(shape: &Shape) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let spec = shape.spec("lint".parse().unwrap());
    for configuration in configurations(&spec).unwrap() {
        let name = format!("{}.yaml", configuration.node);
        fs::write(directory.path().join(name), configuration.yaml).unwrap();
    }
    directory
}

#[test]
fn what_the_testbed_gives_to_kubeadm_lints_clean_in_every_shape() {
    let mut shapes = 0;
    for shape in Shape::all() {
        shapes += 1;
        let files = files(shape);
        let inputs = [Input::Path(files.path().to_owned())];
        let report = run(&inputs, None, &Options::default());
        // Some shapes give Pods and Services different families on purpose. Only that is reported.
        let spec = shape.spec("lint".parse().unwrap());
        let wanted: &[&str] =
            if spec.pod_cidrs.len() == spec.service_cidrs.len() { &[] } else { &["DS115"] };
        // That the IPVS mode is deprecated is told of the shape that is there to try it.
        let told = |code: &&str| *code != "DS407" || !shape.name.contains("ipvs");
        let codes = report.findings.iter().map(|finding| finding.code).filter(told);
        let codes: Vec<_> = codes.collect();
        assert_eq!(codes, wanted, "{}: {:#?}", shape.name, report.findings);
        assert_eq!(report.outcome(), Outcome::Clean, "{}", shape.name);
        assert!(report.files > 0 && report.understood > report.files, "{}", shape.name);
    }
    assert!(shapes > 5, "only {shapes} shapes");
}

#[test]
fn the_newest_version_that_lint_knows_is_the_newest_that_the_testbed_builds() {
    assert_eq!(CURRENT.to_string(), components::default_minor().to_string());
}

#[test]
fn kubeadm_takes_what_the_testbed_gives_it_in_every_shape() {
    let Some(kubeadm) = component("kubeadm") else { return };
    // A kubeadm takes its own minor of Kubernetes and the one before; those of `VERSIONS` are
    // brought up by their own.
    for shape in SHAPES {
        let files = files(shape);
        let paths = fs::read_dir(files.path()).unwrap().map(|file| file.unwrap().path());
        for path in paths.collect::<Vec<_>>() {
            // What a joining node trusts lies in the node; kubeadm asks only whether it is there.
            let yaml = fs::read_to_string(&path).unwrap();
            let here = |line: &str| match line.split_once("kubeConfigPath: ") {
                Some((before, _)) => format!("{before}kubeConfigPath: {}\n", path.display()),
                None => format!("{line}\n"),
            };
            fs::write(&path, yaml.lines().map(here).collect::<String>()).unwrap();
            let arguments = ["config", "validate", "--config"];
            let output = Command::new(&kubeadm).args(arguments).arg(&path).output().unwrap();
            let (said, name) = (text(&output), shape.name);
            assert!(output.status.success(), "{name}, {}: {said}", path.display());
        }
    }
}
