#!/bin/sh
# In the place of flannel's CNI plugin: from what flanneld has written it makes a configuration of the plugin `bridge`
# with a `host-local` range of each family, keeps it until the pod goes, and hands over.
set -e
subnets=/run/flannel/subnet.env
kept=/var/lib/cni/flannel/$CNI_CONTAINERID
bridge=${0%/*}/bridge

[ "$CNI_COMMAND" != VERSION ] || exec "$bridge"
cat >/dev/null
if [ "$CNI_COMMAND" = DEL ]; then
    [ -e "$kept" ] || exit 0
    configuration=$(cat "$kept")
    rm "$kept"
    echo "$configuration" | exec "$bridge"
    exit
fi
if [ ! -e "$subnets" ]; then
    echo '{"cniVersion": "1.0.0", "code": 999, "msg": "failed to load flannel '"'subnet.env'"' file: open' \
        "$subnets"': no such file or directory. Check the flannel pod log for this node."}'
    exit 1
fi
. "$subnets"
# The subnets are written with the gateway's address, and the range is that of the network.
ranges= routes=
if [ -n "$FLANNEL_SUBNET" ]; then
    ranges="[{\"subnet\": \"${FLANNEL_SUBNET%.1/*}.0/${FLANNEL_SUBNET#*/}\"}]"
    routes="{\"dst\": \"$FLANNEL_NETWORK\"}"
fi
if [ -n "$FLANNEL_IPV6_SUBNET" ]; then
    ranges="${ranges:+$ranges, }[{\"subnet\": \"${FLANNEL_IPV6_SUBNET%::1/*}::/${FLANNEL_IPV6_SUBNET#*/}\"}]"
    routes="${routes:+$routes, }{\"dst\": \"$FLANNEL_IPV6_NETWORK\"}"
fi
mkdir -p "${kept%/*}"
cat >"$kept" <<CONFIGURATION
{
  "cniVersion": "1.0.0",
  "name": "cbr0",
  "type": "bridge",
  "bridge": "cni0",
  "isGateway": true,
  "isDefaultGateway": true,
  "hairpinMode": true,
  "ipMasq": false,
  "mtu": $FLANNEL_MTU,
  "ipam": { "type": "host-local", "ranges": [$ranges], "routes": [$routes] }
}
CONFIGURATION
exec "$bridge" <"$kept"
