//! What clusters are made of, made in earnest. It needs root, the network and, the first time, some minutes.
#![cfg(test)]

use std::{process::Command, sync::Mutex, time::Instant};

use testbed::{
    cache::Cache,
    components::{default_minor, minors, prepare},
    progress::{Event, Progress},
    spec::Cni,
};

/// Says how long each step took.
#[derive(Default)]
struct Steps(Mutex<Vec<String>>);

impl Progress for Steps {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { step } => println!("{step} ..."),
            Event::Finished { step, took } => {
                println!("{step}: {took:.1?}");
                self.0.lock().unwrap().push(step.to_owned());
            }
            _ => {}
        }
    }
}

#[test]
#[ignore = "needs root and the network, and builds for minutes when the cache is cold"]
fn what_a_cluster_is_made_of_is_made_once() {
    let cache = Cache::open().unwrap();
    let artefacts =
        prepare(&cache, default_minor(), Cni::Ptp, &Steps::default()).unwrap_or_else(|error| {
            panic!("{error}\n{}", error.log_tail());
        });
    println!("{artefacts:#?}");
    let (started, steps) = (Instant::now(), Steps::default());
    prepare(&cache, default_minor(), Cni::Ptp, &steps).unwrap();
    println!("again: {:?}", started.elapsed());
    assert!(steps.0.into_inner().unwrap().is_empty(), "something was made twice");
}

#[test]
#[ignore = "needs root and the network, and builds for minutes per minor when the cache is cold"]
fn every_minor_of_kubernetes_can_be_made() {
    let cache = Cache::open().unwrap();
    for minor in minors() {
        let artefacts =
            prepare(&cache, minor, Cni::Ptp, &Steps::default()).unwrap_or_else(|error| {
                panic!("{minor}: {error}\n{}", error.log_tail());
            });
        let kubelet =
            Command::new(artefacts.bin.join("kubelet")).arg("--version").output().unwrap();
        let expected = format!("Kubernetes {}\n", artefacts.release.kubernetes);
        assert_eq!(String::from_utf8_lossy(&kubelet.stdout), expected);
    }
}
