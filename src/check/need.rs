//! What a check needs besides the workload that it tests.

use crate::facts::Source;

/// Something that a check must know or do. A run asks for the permissions that this takes before it
/// creates anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To know this of the cluster.
    Facts(Source),
    /// To know the Services that the operator named, and their endpoints.
    Targets,
    /// To run commands in the run's pods.
    Exec,
    /// To reach the cluster's DNS pods by port-forwards. Without it only those cases are
    /// inconclusive.
    ForwardToDns,
    /// To have pods connect to this machine, or to a server that the operator named. It takes no
    /// permission of the cluster's.
    Egress,
    /// To put NetworkPolicies on pods of the run's own. Without it only those cases are skipped.
    Policies,
    /// To change EndpointSlices of the run's own. Without it only those cases are inconclusive.
    Changes,
    /// To create a Service that a load balancer is made for. Where nobody makes one, or it might cost
    /// something, those cases are skipped.
    LoadBalancer,
    /// To let the API server's proxy connect to the pods behind the run's Services. Without it only
    /// those cases are skipped.
    ServiceProxy,
}
