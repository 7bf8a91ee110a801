//! Where the API is reached.

use std::net::SocketAddr;

use crate::{spec::Spec, state::Subnet};

/// The port of the API server, and of the balancer before several of them.
pub const API_PORT: u16 = 6443;

/// Where the API is reached if there are several control planes: the balancer on the bridge, in
/// the family that comes first. `None` where there is one control plane, which is reached itself.
pub fn balancer(spec: &Spec, subnet: Subnet) -> Option<SocketAddr> {
    (spec.control_planes > 1).then(|| SocketAddr::new(subnet.bridge(spec.primary()), API_PORT))
}
