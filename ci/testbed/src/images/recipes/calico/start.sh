#!/bin/sh
# The agent's parts as upstream's image starts them where no daemon speaks BGP; only the reporter of
# CalicoNodeStatus objects is left out. Felix ends by itself when its configuration changes.
calico-node -startup || exit 1
NODENAME=$(cat /var/lib/calico/nodename) || exit 1
export NODENAME FELIX_FELIXHOSTNAME="$NODENAME" FELIX_DATASTORETYPE="$DATASTORE_TYPE"
calico-node -allocate-tunnel-addrs -allocate-tunnel-addrs-run-once || exit 1

keep() {
    while :; do
        "$@"
        sleep 1
    done
}
keep calico-node -monitor-addresses &
keep calico-node -allocate-tunnel-addrs &
keep calico-node -monitor-token &
keep calico-node -felix
