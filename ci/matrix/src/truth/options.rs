//! What the product has to be told so that it can see a fault.

use testbed::fault::Fault;

/// The suite in which a check can see a fault.
pub const fn suite(fault: &Fault) -> &'static str {
    match fault {
        Fault::PolicyOneFamily(_) => "thorough",
        _ => "dual-stack",
    }
}

/// What `dualstack run` has to be told besides, for what only the operator can say: which Services are
/// theirs, and how far the families' times may lie apart.
pub fn options(fault: &Fault) -> Vec<String> {
    match fault {
        Fault::ListenerOneFamily(fault) => vec!["--target".to_owned(), fault.service()],
        Fault::ConnectionsSlow(_) => ["--max-family-gap", "500ms"].map(str::to_owned).to_vec(),
        _ => Vec::new(),
    }
}
