# Configures podman in its enclosure.
#
#   sh engine.sh STORE [READ_ONLY_STORE]
set -eu

mkdir -p /etc/containers
cat > /etc/containers/containers.conf << 'END'
[engine]
# Nothing here is run by systemd.
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
END
cat > /etc/containers/storage.conf << END
[storage]
driver = "overlay"
graphroot = "$1"
runroot = "/run/containers/storage"
[storage.options]
additionalimagestores = [${2:+\"$2\"}]
END
# What is run here was made here.
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > /etc/containers/policy.json
