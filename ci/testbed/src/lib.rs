//! Real multi-node dual-stack Kubernetes clusters in Linux namespaces.

pub mod agent;
pub mod cache;
pub mod catalogue;
pub mod cgroup;
pub mod cli;
pub mod cluster;
pub mod cni;
pub mod components;
pub mod error;
pub mod exit;
pub mod fault;
pub mod health;
pub mod images;
pub mod kubeadm;
pub mod node;
pub mod path;
pub mod preflight;
pub mod progress;
pub mod registry;
pub mod requirement;
pub mod run;
pub mod shape;
pub mod spec;
pub mod state;
pub mod underlay;
pub mod version;
