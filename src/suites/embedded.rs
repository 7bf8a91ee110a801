//! The suites that come with the program.

/// The built-in suites: name and text.
pub const EMBEDDED: [(&str, &str); 6] = [
    ("dual-stack", include_str!("../../suites/dual-stack.yaml")),
    ("dual-stack-ipv6-primary", include_str!("../../suites/dual-stack-ipv6-primary.yaml")),
    ("single-stack-ipv4", include_str!("../../suites/single-stack-ipv4.yaml")),
    ("single-stack-ipv6", include_str!("../../suites/single-stack-ipv6.yaml")),
    ("thorough", include_str!("../../suites/thorough.yaml")),
    ("smoke", include_str!("../../suites/smoke.yaml")),
];
