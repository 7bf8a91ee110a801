//! Where the files and the live cluster differ.

mod cluster;
mod settings;

pub(super) use cluster::{NODES, PROXY, RANGES, SERVICES};
pub(super) use settings::{FLAGS, GATES};

const DOCS: &str =
    "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/";
