//! The network between the nodes: a bridge in a network namespace of its own, which belongs to
//! the cluster's agent, with the machine itself attached as the client outside.
//!
//! Nothing here outlives the agent: when its namespace goes, the bridge and both ends of every
//! veth go with it.

use std::{net::IpAddr, path::Path, process::Command};

use crate::{
    error::Result,
    run::Run,
    spec::Family,
    state::{ProcessId, Subnet},
};

/// The bridge that joins the nodes.
const BRIDGE: &str = "br0";

/// Answers what is on its way to nowhere, and tells nobody of a shorter way: what is for the address of a
/// load balancer goes through the underlay.
const BEYOND: &str = "\
table ip beyond {
    chain forward {
        type filter hook forward priority filter
        oif lo reject with icmp host-unreachable
    }
}
table inet straight {
    chain output {
        type filter hook output priority filter
        icmp type redirect drop
        icmpv6 type nd-redirect drop
    }
}
";

/// A cluster's underlay, by the process whose network namespace it is.
#[derive(Clone, Copy, Debug)]
pub struct Underlay {
    agent: ProcessId,
    subnet: Subnet,
}

impl Underlay {
    /// The underlay that lives in the agent's network namespace.
    pub const fn new(agent: ProcessId, subnet: Subnet) -> Self {
        Self { agent, subnet }
    }

    /// A command in the underlay's network namespace, with the machine's own files.
    pub fn command(&self, program: &str) -> Command {
        in_netns(self.agent, program)
    }

    /// Makes the bridge and attaches the machine, with addresses of these families alone.
    ///
    /// Addresses beyond the subnet are answered with `unreachable` at once, so that nothing in a
    /// cluster waits for a time-out when it asks for the Internet ([`answer_beyond`]).
    ///
    /// [`answer_beyond`]: Self::answer_beyond
    pub fn create(&self, families: &[Family]) -> Result<()> {
        let link = link_name(self.subnet);
        let mut batch = vec![
            "link set lo up".to_owned(),
            format!("link add {BRIDGE} type bridge forward_delay 0 stp_state 0"),
            format!("link set {BRIDGE} up"),
            format!("link add uplink type veth peer name {link} netns {}", std::process::id()),
            format!("link set uplink master {BRIDGE} up"),
        ];
        for &family in families {
            batch.push(address(self.subnet, family, self.subnet.bridge(family), BRIDGE));
            let nowhere = match family {
                Family::V4 => "route add 0.0.0.0/0 dev lo",
                Family::V6 => "route add unreachable ::/0",
            };
            batch.push(nowhere.to_owned());
        }
        self.command("ip")
            .args(["-batch", "-"])
            .feed("make the underlay's bridge", &(batch.join("\n") + "\n"))?;
        self.attach_machine(&link, families)
    }

    /// Answers IPv4 packets to addresses beyond the subnet, by `nft` of the nodes' root file system.
    ///
    /// An unreachable route would not do: for such a route the kernel answers one packet a second
    /// and source, by a limit that can be lifted for the whole machine alone.
    pub fn answer_beyond(&self, rootfs: &Path) -> Result<()> {
        self.nft(rootfs)
            .args(["-f", "-"])
            .feed("answer for what lies beyond the underlay", BEYOND)
            .map(drop)
    }

    /// `nft` in the underlay's network namespace, from a root file system of the nodes: the machine
    /// need not have one.
    pub fn nft(&self, root: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.agent.pid))
            .arg(format!("--root={}", root.display()))
            .args(["--", "/usr/sbin/nft"]);
        command
    }

    /// Gives the machine's end of the veth its addresses.
    fn attach_machine(&self, link: &str, families: &[Family]) -> Result<()> {
        let mut batch = vec![format!("link set {link} up")];
        for &family in families {
            batch.push(address(self.subnet, family, self.subnet.machine(family), link));
            let (range, bridge) = (self.subnet.load_balancers(family), self.subnet.bridge(family));
            batch.push(format!("route add {range} via {bridge} dev {link}"));
        }
        Command::new("ip")
            .args(["-batch", "-"])
            .feed("attach the machine to the underlay", &(batch.join("\n") + "\n"))?;
        Ok(())
    }

    /// Sends what is for an address of a load balancer to a node.
    pub fn send(&self, address: IpAddr, node: IpAddr) -> Result<()> {
        let (to, via) = (address.to_string(), node.to_string());
        let what = format!("send {address} to {node}");
        let route = ["route", "replace", &to, "via", &via, "dev", BRIDGE];
        self.command("ip").args(route).read(&what).map(drop)
    }

    /// Sends it nowhere again.
    pub fn send_no_longer(&self, address: IpAddr) -> Result<()> {
        let what = format!("send {address} nowhere");
        let to = address.to_string();
        self.command("ip").args(["route", "delete", &to, "dev", BRIDGE]).read(&what).map(drop)
    }

    /// Joins a node to the bridge: its `eth0`, with its addresses and default routes.
    pub fn attach_node(
        &self,
        name: &str,
        number: u8,
        process: ProcessId,
        families: &[Family],
    ) -> Result<()> {
        self.command("ip").args(["-batch", "-"]).feed(
            &format!("join {name} to the bridge"),
            &format!(
                "link add {name} type veth peer name eth0 netns {}\nlink set {name} master {BRIDGE} up\n",
                process.pid
            ),
        )?;
        let mut batch = vec!["link set lo up".to_owned(), "link set eth0 up".to_owned()];
        for &family in families {
            batch.push(address(self.subnet, family, self.subnet.node(family, number), "eth0"));
            let gateway = self.subnet.bridge(family);
            batch.push(format!("route add default via {gateway} dev eth0"));
        }
        in_netns(process, "ip")
            .args(["-batch", "-"])
            .feed(&format!("give {name} its addresses"), &(batch.join("\n") + "\n"))?;
        Ok(())
    }
}

/// Removes the machine's end of the veth, if it is there.
///
/// The kernel does so too once the agent's namespace is gone, but a moment later.
pub fn detach_machine(subnet: Subnet) -> Result<()> {
    let link = link_name(subnet);
    if std::path::Path::new("/sys/class/net").join(&link).exists() {
        let removed = Command::new("ip").args(["link", "delete", &link]).read("remove the veth");
        if std::path::Path::new("/sys/class/net").join(&link).exists() {
            removed?;
        }
    }
    Ok(())
}

/// The machine's end of the veth.
pub fn link_name(subnet: Subnet) -> String {
    format!("testbed{}", subnet.number())
}

/// A command in a process's network namespace, with the machine's own files.
pub(crate) fn in_netns(process: ProcessId, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/proc/{}/ns/net", process.pid)).args(["--", program]);
    command
}

/// A batch line that adds an address. Duplicate address detection would cost a second.
fn address(subnet: Subnet, family: Family, address: std::net::IpAddr, link: &str) -> String {
    let nodad = if family == Family::V6 { " nodad" } else { "" };
    format!("addr add {address}/{}{nodad} dev {link}", subnet.range(family).prefix_len())
}
