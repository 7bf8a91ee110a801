# Makes the root of kind's base image out of Debian's packages: what kind's own Dockerfile
# (images/base) does, with programs that are built already.
#
#   sh base.sh ROOT FILES PROGRAMS CNI_PLUGINS
set -eu
root=$1 files=$2 programs=$3 plugins=$4

# Scripts and directories can be executed, nothing else: a Go module has no modes.
cp -r --no-preserve=mode,ownership "$files/." "$root/"
find "$root/kind" "$root/LICENSES" -type d -exec chmod 755 {} +
chmod 755 "$root"/usr/local/bin/* "$root"/kind/bin/*

# Units that a node has no use for.
units=$root/lib/systemd/system
find "$units/sysinit.target.wants/" -name systemd-tmpfiles-setup.service -delete
rm -f "$units"/multi-user.target.wants/* "$root"/etc/systemd/system/*.wants/* \
    "$units"/local-fs.target.wants/* "$units"/basic.target.wants/* \
    "$units"/sockets.target.wants/*udev* "$units"/sockets.target.wants/*initctl*
echo "ReadKMsg=no" >> "$root/etc/systemd/journald.conf"
wanted=$root/etc/systemd/system/multi-user.target.wants
mkdir -p "$wanted"
for unit in kubelet containerd undo-mount-hacks; do
    ln -s "/etc/systemd/system/$unit.service" "$wanted/$unit.service"
done
ln -s /dev/null "$root/etc/systemd/system/systemd-binfmt.service"

# Settings that are the whole machine's, which kubelet and systemd would change for every node: each
# node gets files of its own in their place before systemd begins.
cat > "$root/sbin/init" << 'END'
#!/bin/sh
mkdir -p /run/machine-settings
for setting in fs/file-max fs/nr_open fs/protected_fifos fs/protected_hardlinks \
    fs/protected_regular fs/protected_symlinks fs/suid_dumpable kernel/core_pattern \
    kernel/core_uses_pid kernel/keys/root_maxbytes kernel/keys/root_maxkeys kernel/panic \
    kernel/panic_on_oops kernel/pid_max kernel/printk kernel/sysrq kernel/threads-max \
    vm/max_map_count vm/overcommit_memory vm/panic_on_oom; do
    own=/run/machine-settings/$(echo "$setting" | tr / .)
    cat "/proc/sys/$setting" > "$own" 2> /dev/null || continue
    mount --bind "$own" "/proc/sys/$setting" || exit 1
done
exec /lib/systemd/systemd "$@"
END
chmod 755 "$root/sbin/init"

install -m 755 "$programs/containerd" "$programs/containerd-shim-runc-v2" "$programs/ctr" \
    "$root/usr/local/bin/"
install -D -m 755 -t "$root/usr/local/sbin" "$programs/runc"
for plugin in host-local loopback portmap ptp; do
    install -D -m 755 -t "$root/opt/cni/bin" "$plugins/$plugin"
done
chroot "$root" sh -c "ctr oci spec |
    jq '.hooks.createContainer[.hooks.createContainer| length] |= . + {\"path\": \"/kind/bin/mount-product-files.sh\"}' |
    jq 'del(.process.rlimits)' > /etc/containerd/cri-base.json"
# Where even root lacks CAP_SYS_RESOURCE, as in many a container, no process can be protected from
# being killed for memory; elsewhere this changes nothing that is tested here.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' \
    "$root/etc/containerd/config.toml"
mkdir -p "$root/etc/kubernetes/manifests"
