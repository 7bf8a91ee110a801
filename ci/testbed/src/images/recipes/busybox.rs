//! busybox, laid out as the official image is: every applet in /bin, as a hard link.

use std::fs;

use super::{
    super::{
        document::Descriptor,
        image::{self, Config},
        layer::Layer,
        names,
        store::Store,
    },
    Sources,
};
use crate::error::{Error, Result};

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
";

const GROUP: &str = "\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
wheel:x:10:root
mail:x:8:
www-data:x:33:
operator:x:37:
users:x:100:
nobody:x:65534:
";

pub(super) fn write(store: &Store, sources: &Sources<'_>) -> Result<Descriptor> {
    let list = sources.busybox.join("applets.txt");
    let applets = fs::read_to_string(&list).map_err(Error::io("read", &list))?;
    let mut layer = Layer::new(store)?;
    layer.copy(&sources.busybox.join("busybox"), "/bin/busybox", 0o755)?;
    for applet in applets.lines() {
        layer.hard_link(format!("/bin/{applet}"), "/bin/busybox")?;
    }
    layer.symlink("/usr/bin/env", "../../bin/env")?;
    layer.file("/etc/passwd", PASSWD, 0o644)?;
    layer.file("/etc/group", GROUP, 0o644)?;
    layer.file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644)?;
    layer.directory("/tmp", 0o1777)?;
    layer.directory("/root", 0o700)?;
    for directory in ["/dev", "/home", "/proc", "/sys", "/usr/sbin", "/var/spool/mail", "/var/www"]
    {
        layer.directory(directory, 0o755)?;
    }
    let mut references = names::tagged("docker.io", "library/busybox", names::BUSYBOX)?;
    references.extend(names::tagged(
        "registry.k8s.io",
        "e2e-test-images/busybox",
        names::E2E_BUSYBOX,
    )?);
    image::write(
        store,
        &references,
        &[layer.finish()?],
        &Config { cmd: &["sh"], ..Config::default() },
    )
}
