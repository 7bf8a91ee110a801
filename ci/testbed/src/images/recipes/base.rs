//! What every image of Debian's has.

use std::path::Path;

use super::super::layer::Layer;
use crate::error::Result;

/// Accounts and directories that programs expect wherever they run. The links of the merged /usr
/// come with them.
pub(super) fn base(layer: &mut Layer<'_>) -> Result<()> {
    const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nginx:x:101:101:nginx user:/nonexistent:/bin/false
nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
";
    const GROUP: &str = "\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
tty:x:5:
www-data:x:33:
nginx:x:101:
nonroot:x:65532:
nogroup:x:65534:
";
    layer.file("/etc/passwd", PASSWD, 0o644)?;
    layer.file("/etc/group", GROUP, 0o644)?;
    layer.file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644)?;
    layer.directory("/tmp", 0o1777)?;
    layer.directory("/root", 0o700)?;
    for directory in
        ["/dev", "/proc", "/run", "/sys", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin"]
    {
        layer.directory(directory, 0o755)?;
    }
    for link in ["bin", "lib", "lib64", "sbin"] {
        layer.symlink(link, Path::new("usr").join(link))?;
    }
    layer.symlink("/var/run", "/run")
}
