#!/usr/bin/busybox sh
# Stands in for kindnetd under its name, with what kind's manifest gives it: the addresses of this
# node in HOST_IP, the pods' ranges in POD_SUBNET, and CONTROL_PLANE_ENDPOINT. It writes the CNI
# configuration of this node's pod ranges, sets routes to the pods of other nodes, and masquerades
# what leaves the pods' ranges, in each family.
set -u

account=/var/run/secrets/kubernetes.io/serviceaccount
configuration=/etc/cni/net.d/10-kindnet.conflist

bb() { /usr/bin/busybox "$@"; }

say() { echo "$(bb date -u +%FT%TZ) $*"; }

family() {
    case $1 in
        *:*) echo 6 ;;
        *) echo 4 ;;
    esac
}

# A chain of its own for each family that pods have.
masquerade() {
    for range in $(echo "$POD_SUBNET" | bb tr , ' '); do
        tables=iptables
        [ "$(family "$range")" = 4 ] || tables=ip6tables
        "$tables" -w -t nat -N KIND-MASQ-AGENT || return 0
        "$tables" -w -t nat -A KIND-MASQ-AGENT -d "$range" -j RETURN
        "$tables" -w -t nat -A KIND-MASQ-AGENT -j MASQUERADE
        "$tables" -w -t nat -A POSTROUTING -m addrtype ! --dst-type LOCAL -j KIND-MASQ-AGENT
        say "masquerades what leaves $range"
    done
}

# The CNI configuration of this node, from its pod ranges. It is put in place whole: containerd reads
# it as soon as it is there.
configure() {
    listed='' routes=''
    for range in "$@"; do
        listed=$listed${listed:+,}"[{\"subnet\":\"$range\"}]"
        anywhere=0.0.0.0/0
        [ "$(family "$range")" = 4 ] || anywhere=::/0
        routes=$routes${routes:+,}"{\"dst\":\"$anywhere\"}"
    done
    ipam="{\"type\":\"host-local\",\"dataDir\":\"/run/cni-ipam-state\",\"ranges\":[$listed],\"routes\":[$routes]}"
    ptp="{\"type\":\"ptp\",\"ipMasq\":false,\"mtu\":$mtu,\"ipam\":$ipam}"
    portmap="{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"
    wanted="{\"cniVersion\":\"0.3.1\",\"name\":\"kindnet\",\"plugins\":[$ptp,$portmap]}"
    [ "$wanted" != "$(bb cat "$configuration" 2> /dev/null)" ] || return 0
    echo "$wanted" > "$configuration.new"
    bb mv "$configuration.new" "$configuration"
    say "this node's pods are of $*"
}

# Routes to the pods of another node, of each family by its address of that family.
connect() {
    for range in $1; do
        for address in $2; do
            [ "$(family "$range")" = "$(family "$address")" ] || continue
            bb ip "-$(family "$range")" route replace "$range" via "$address" || say "no route to $range"
        done
    done
}

# Every node now, and each again when it changes.
nodes() {
    kubectl --server="https://${CONTROL_PLANE_ENDPOINT:-kubernetes.default}" \
        --certificate-authority="$account/ca.crt" --token="$(bb cat "$account/token")" \
        get nodes --watch --output=go-template='{{range .status.addresses}}{{if eq .type "InternalIP"}}{{.address}} {{end}}{{end}}|{{range .spec.podCIDRs}}{{.}} {{end}}
'
}

mtu=$(bb cat /sys/class/net/eth0/mtu)
masquerade
while :; do
    nodes | while IFS='|' read -r addresses ranges; do
        # It may have been registered a moment ago, and be given its ranges in the next.
        [ -n "$addresses" ] && [ -n "$ranges" ] || continue
        # Word splitting is meant: a word for each range.
        # shellcheck disable=SC2086
        case " $addresses" in
            *" $HOST_IP "*) configure $ranges ;;
            *) connect "$ranges" "$addresses" ;;
        esac
    done
    say "the API server ended the watch"
    bb sleep 1
done
