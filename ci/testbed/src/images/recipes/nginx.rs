//! nginx, which behaves as the official image does: the server is Debian's, the way it is started
//! is the official image's. It listens on IPv4 only until its entrypoint sees IPv6 and the default
//! configuration untouched.

use super::{
    super::{
        document::Descriptor,
        image::{self, Config},
        layer::Layer,
        names,
        packages::Packages,
        store::Store,
    },
    Sources, base,
};
use crate::error::Result;

/// What is in the image: what the official one has of Debian's minimal system, and what runs in it.
const PACKAGES: &[&str] = &[
    "base-files",
    "bash",
    "coreutils",
    "curl",
    "dash",
    "debianutils",
    "findutils",
    "gettext-base",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "libnginx-mod-stream",
    "mawk",
    "nginx",
    "sed",
];

/// What those depend on for their installation only.
const WITHOUT: &[&str] = &[
    "adduser",
    "base-passwd",
    "debconf",
    "dpkg",
    "init-system-helpers",
    "iproute2",
    "lsb-base",
    "passwd",
    "perl-base",
    "sysvinit-utils",
    "ucf",
];

/// The scripts that prepare the configuration, in the order in which they are run.
const SCRIPTS: &[(&str, &str)] = &[
    ("10-listen-on-ipv6-by-default.sh", include_str!("nginx/10-listen-on-ipv6-by-default.sh")),
    ("15-local-resolvers.envsh", include_str!("nginx/15-local-resolvers.envsh")),
    ("20-envsubst-on-templates.sh", include_str!("nginx/20-envsubst-on-templates.sh")),
];
/// What is at `/usr/sbin/nginx`: the official build has the stream module built in, Debian's loads
/// it.
const NGINX: &str = include_str!("nginx/nginx.sh");
const ENTRYPOINT: &str = include_str!("nginx/docker-entrypoint.sh");
const NGINX_CONF: &str = include_str!("nginx/nginx.conf");
const DEFAULT_CONF: &str = include_str!("nginx/default.conf");

pub(super) fn write(store: &Store, sources: &Sources<'_>) -> Result<Descriptor> {
    let packages = Packages::of(sources.rootfs)?;
    let mut layer = Layer::new(store)?;
    // What is ours comes first: of two files of one path the first stays.
    configuration(&mut layer)?;
    layer.file("/usr/sbin/nginx", NGINX, 0o755)?;
    layer.copy(&sources.rootfs.join("usr/sbin/nginx"), "/usr/lib/nginx/nginx", 0o755)?;
    base(&mut layer)?;
    packages.add(&mut layer, PACKAGES, WITHOUT)?;

    let mut references = names::tagged("docker.io", "library/nginx", names::NGINX)?;
    references.extend(names::tagged("registry.k8s.io", "e2e-test-images/nginx", names::E2E_NGINX)?);
    let version = packages.version("nginx").split('-').next().unwrap_or_default();
    let config = Config {
        entrypoint: &["/docker-entrypoint.sh"],
        cmd: &["nginx", "-g", "daemon off;"],
        env: &[("NGINX_VERSION", version)],
        exposed_ports: &["80/tcp"],
        stop_signal: "SIGQUIT",
        ..Config::default()
    };
    image::write(store, &references, &[layer.finish()?], &config)
}

fn configuration(layer: &mut Layer<'_>) -> Result<()> {
    layer.file("/docker-entrypoint.sh", ENTRYPOINT, 0o755)?;
    for (name, script) in SCRIPTS {
        layer.file(format!("/docker-entrypoint.d/{name}"), script, 0o755)?;
    }
    layer.file("/etc/nginx/nginx.conf", NGINX_CONF, 0o644)?;
    layer.file("/etc/nginx/conf.d/default.conf", DEFAULT_CONF, 0o644)?;
    // What the first script compares the configuration with.
    layer.file("/usr/share/nginx/default.conf", DEFAULT_CONF, 0o644)?;
    layer.symlink("/var/log/nginx/access.log", "/dev/stdout")?;
    layer.symlink("/var/log/nginx/error.log", "/dev/stderr")?;
    // Debian's build keeps its temporary files elsewhere than the official one, where people mount
    // a volume.
    layer.directory("/var/cache/nginx", 0o755)?;
    layer.symlink("/var/lib/nginx", "/var/cache/nginx")
}
