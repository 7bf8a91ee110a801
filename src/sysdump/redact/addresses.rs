//! Other addresses in place of the real ones, that relate to each other as those do.
//!
//! Two addresses whose first `n` bits are the same get addresses whose first `n` bits are the same, and
//! no more than these. So whatever lies in a range lies in its range afterwards, ranges that overlap
//! overlap, and none becomes smaller or larger. What kind of address one is (private, link-local,
//! documentation …) stays as well, and so do the last eight bits, and an interface's number where it
//! is a short one (`::11`).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use ipnet::IpNet;
use ring::hmac;

/// The last bits of an address, which stay.
const KEPT: u8 = 8;

/// Where the number of an interface begins in an IPv6 address (RFC 4291, 2.5.1).
const INTERFACE: u8 = 64;

/// Ranges with a meaning of their own, of which an address never leaves (RFC 6890 and its updates).
static KINDS: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    ranges(&[
        "10.0.0.0/8",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "2000::/3",
        "2001::/32",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "64:ff9b:1::/48",
        "fc00::/7",
        "fd00::/8",
        "fe80::/10",
        "fe80::/64",
        "fec0::/10",
    ])
});

/// Ranges whose addresses name nobody, and stay as they are.
static NOBODY: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    ranges(&[
        "0.0.0.0/8",
        "127.0.0.0/8",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/127",
        "ff00::/8",
    ])
});

fn ranges(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// A choice of other addresses: with the same key always the same.
#[derive(Debug)]
pub(super) struct Addresses {
    key: hmac::Key,
    chosen: HashMap<IpAddr, IpAddr>,
}

impl Addresses {
    pub(super) fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), chosen: HashMap::new() }
    }

    /// The address that stands for another one.
    pub(super) fn address(&mut self, address: IpAddr) -> IpAddr {
        if let Some(chosen) = self.chosen.get(&address) {
            return *chosen;
        }
        let chosen = match address {
            IpAddr::V6(v6) => match inner(v6) {
                // An IPv4 address in the form of an IPv6 one.
                Some((start, v4)) => match self.address(IpAddr::V4(v4)) {
                    IpAddr::V4(v4) => IpAddr::V6(Ipv6Addr::from(start | u128::from(u32::from(v4)))),
                    IpAddr::V6(_) => address,
                },
                None => self.mapped(address),
            },
            IpAddr::V4(_) => self.mapped(address),
        };
        self.chosen.insert(address, chosen);
        chosen
    }

    /// The range that stands for another one, with its host bits if it has any.
    pub(super) fn range(&mut self, address: IpAddr, length: u8) -> IpAddr {
        let chosen = self.address(address);
        match (IpNet::new(address, length), IpNet::new(chosen, length)) {
            (Ok(range), Ok(other)) if range.addr() == range.network() => other.network(),
            _ => chosen,
        }
    }

    /// The link address that stands for another one, given in lower case with colons.
    pub(super) fn link_address(&self, address: &str) -> String {
        let tag = hmac::sign(&self.key, address.to_ascii_lowercase().as_bytes());
        let bytes = tag.as_ref().iter().take(5).map(|byte| format!(":{byte:02x}"));
        // A locally administered one (IEEE 802, 8.4), which no maker has given out.
        format!("02{}", bytes.collect::<String>())
    }

    fn mapped(&self, address: IpAddr) -> IpAddr {
        if stays(address, host_length(address)) {
            return address;
        }
        let (bits, length) = bits(address);
        let mut flipped = bits;
        for place in 0..length - KEPT {
            let prefix = bits.checked_shr(u32::from(length - place)).unwrap_or(0);
            if self.flips(address, prefix, place) {
                flipped ^= 1 << (length - place - 1);
            }
        }
        of_bits(address, flipped)
    }

    /// Whether the bit behind a prefix is turned round.
    fn flips(&self, address: IpAddr, prefix: u128, place: u8) -> bool {
        if decides_kind(address, prefix, place) || is_short_number(address, prefix, place) {
            return false;
        }
        let family = if address.is_ipv4() { 4 } else { 6 };
        let mut text = vec![family, place];
        text.extend(prefix.to_be_bytes());
        hmac::sign(&self.key, &text).as_ref().first().is_some_and(|byte| byte & 1 == 1)
    }
}

/// Whether a range, or an address, says nothing of whose it is, or all of it is the kind of it.
pub(super) fn stays(address: IpAddr, length: u8) -> bool {
    let within = |range: &IpNet| range.contains(&address) && range.prefix_len() <= length;
    let whole = |range: &IpNet| range.contains(&address) && length <= range.prefix_len();
    let kinds = KINDS.iter().any(whole);
    // Nothing is turned round in the first bits of a family.
    let first = length == 0 || (address.is_ipv6() && length <= 3);
    NOBODY.iter().any(within) || kinds || first
}

/// The first bits of every such range: whether it is of IPv4, its bits, and how many of them count.
static STARTS: LazyLock<Vec<(bool, u128, u8)>> = LazyLock::new(|| {
    let all = KINDS.iter().chain(NOBODY.iter());
    all.map(|range| (range.addr().is_ipv4(), bits(range.network()).0, range.prefix_len())).collect()
});

/// Whether the bit behind a prefix of an address tells what kind of address it is.
fn decides_kind(address: IpAddr, prefix: u128, place: u8) -> bool {
    let behind = u32::from(host_length(address) - place);
    STARTS.iter().any(|&(v4, network, length)| {
        v4 == address.is_ipv4()
            && length > place
            && network.checked_shr(behind).unwrap_or(0) == prefix
    })
}

/// Whether nothing but zeros stand between the network and this bit.
const fn is_short_number(address: IpAddr, prefix: u128, place: u8) -> bool {
    if address.is_ipv4() || place < INTERFACE {
        return false;
    }
    let behind = place - INTERFACE;
    prefix & ((1 << behind) - 1) == 0
}

const fn host_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(v4) => (u32::from(v4).into(), 32),
        IpAddr::V6(v6) => (v6.into(), 128),
    }
}

fn of_bits(like: IpAddr, bits: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).unwrap_or_default())),
        IpAddr::V6(_) => IpAddr::V6(bits.into()),
    }
}

/// The IPv4 address in an IPv6 one, and what stands before it: `::ffff:0:0/96` (RFC 4291) and
/// `64:ff9b::/96` (RFC 6052).
fn inner(address: Ipv6Addr) -> Option<(u128, Ipv4Addr)> {
    let bits = u128::from(address);
    let start = bits & !u128::from(u32::MAX);
    let known = [u128::from(0xffff_u32) << 32, 0x0064_ff9b_u128 << 96];
    let v4 = u32::try_from(bits & u128::from(u32::MAX)).ok()?;
    known.contains(&start).then(|| (start, v4.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn common(a: IpAddr, b: IpAddr) -> u32 {
        let ((a, length), (b, _)) = (bits(a), bits(b));
        (a ^ b).leading_zeros().saturating_sub(128 - u32::from(length))
    }

    #[test]
    fn an_address_stays_of_its_kind_and_keeps_a_short_number() {
        let mut addresses = Addresses::new(b"key");
        let mut of = |text: &str| addresses.address(text.parse().unwrap()).to_string();
        assert!(of("192.168.7.11").starts_with("192.168."));
        assert!(of("192.168.7.11").ends_with(".11"));
        let six = of("fd00:10:244:2::e");
        assert!(six.starts_with("fd") && six.ends_with("::e"), "{six}");
        assert_ne!(six, "fd00:10:244:2::e");
        assert!(of("fe80::42ff:fe1f:40c").starts_with("fe80:"));
        assert!(of("2001:db8:5::1").starts_with("2001:db8:"));
        assert!(of("::ffff:10.1.2.3").starts_with("::ffff:10."));
        assert!(of("64:ff9b::a01:203").starts_with("64:ff9b::a"));
        for nobody in ["127.0.0.1", "::1", "::", "0.0.0.0", "ff02::1", "224.0.0.1", "192.0.2.1"] {
            assert_eq!(of(nobody), nobody);
        }
    }

    #[test]
    fn ranges_without_host_bits_stay_without_them() {
        let mut addresses = Addresses::new(b"key");
        let range = addresses.range("fd00:10:244::".parse().unwrap(), 56);
        let range = IpNet::new(range, 56).unwrap();
        assert_eq!(range.addr(), range.network());
        assert!(range.contains(&addresses.address("fd00:10:244:7::5".parse().unwrap())));
        assert!(!range.contains(&addresses.address("fd00:10:245::5".parse().unwrap())));
    }

    proptest! {
        #[test]
        fn addresses_have_as_many_bits_in_common_as_before(
            a: u128, b: u128, cut in 0_u32..128, small: bool,
        ) {
            // Many bits in common, mostly.
            let b = if cut == 0 { b } else { (a >> cut << cut) | (b & ((1 << cut) - 1)) };
            let four = |bits: u128| IpAddr::V4(Ipv4Addr::from((bits & u128::from(u32::MAX)) as u32));
            let (a, b) = if small { (four(a), four(b)) } else { (IpAddr::V6(a.into()), IpAddr::V6(b.into())) };
            let mut addresses = Addresses::new(b"key");
            let (x, y) = (addresses.address(a), addresses.address(b));
            prop_assert_eq!(common(a, b), common(x, y));
            for kind in KINDS.iter().chain(NOBODY.iter()) {
                prop_assert_eq!(kind.contains(&a), kind.contains(&x));
            }
        }
    }
}
