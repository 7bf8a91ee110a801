//! What faults ask of the API server, by kubectl.

use std::time::Duration;

use serde_json::Value;

use super::json::from_json;
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    run::{Run, wait_for},
};

/// Runs kubectl, and returns what it printed. `what` says in an error what it was to do.
pub(super) fn run(cluster: &Cluster, what: &str, arguments: &[&str]) -> Result<String> {
    cluster.kubectl()?.args(arguments).read(what)
}

/// Reads objects.
pub(super) fn get(cluster: &Cluster, what: &str, arguments: &[&str]) -> Result<Value> {
    let text = cluster.kubectl()?.arg("get").args(arguments).args(["-o", "json"]).read(what)?;
    from_json(what, &text)
}

/// The items of a list.
pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("items").and_then(Value::as_array).into_iter().flatten()
}

/// A text within an object, by its JSON pointer.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an object's condition `Ready` is true.
pub(super) fn is_ready(object: &Value) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        text(condition, "/type") == "Ready" && text(condition, "/status") == "True"
    })
}

/// Waits until the API server says that a node is ready. What it said before the node's latest
/// return counts too: nothing better is known of a node that was away for a moment.
pub(super) fn wait_for_node(cluster: &Cluster, node: &str) -> Result<()> {
    wait_for(&format!("node {node} ready"), Duration::from_secs(90), String::new, || {
        let object = get(cluster, &format!("read node {node}"), &["node", node]);
        Ok(object.is_ok_and(|object| is_ready(&object)).then_some(()))
    })
}

/// Refuses the node without which nothing can be asked, or reverted.
pub(super) fn refuse_first_node(node: &str) -> Result<()> {
    if node == "n1" {
        return Err(Error::Invalid(
            "n1 has the API server and kubectl: choose another node".to_owned(),
        ));
    }
    Ok(())
}
