#!/bin/sh
# Tells how this pod's network looks, for a pod in a node's own network: how that node's does.
#
# Read-only, as any user, with busybox alone. It gives no meaning: what the tools printed goes out as
# it is, one line each behind the name of its section and a tab, and dualstack reads it.
#
# Stdin: one address a line, of which the route is looked up, then a line `.`.

export LC_ALL=C

# No node is read to the end that has more of anything than this.
most=300

# Puts the section's name before each line.
section() {
    while IFS= read -r line; do
        printf '%s\t%s\n' "$1" "$line"
    done
}

while read -r address && [ "$address" != . ]; do
    printf 'get\t%s\t%s\n' "$address" "$(ip route get "$address" 2>&1 | head -n 1)"
done

ip -o link 2>&1 | head -n "$most" | section link
ip -o -4 addr 2>&1 | head -n "$most" | section addr4
[ ! -r /proc/net/if_inet6 ] || head -n "$most" /proc/net/if_inet6 | section addr6
ip -4 route 2>&1 | grep '^default' | section route4
ip -6 route 2>&1 | grep '^default' | section route6
ip -4 route 2>&1 | grep -v '^default' | head -n "$most" | section route4
ip -6 route 2>&1 | grep -v '^default' | head -n "$most" | section route6
ip -4 rule 2> /dev/null | head -n "$most" | section rule4
ip -6 rule 2> /dev/null | head -n "$most" | section rule6
ip neigh 2>&1 | head -n "$most" | section neigh

# The kernel's settings: in general, and of each interface that leads elsewhere than to a pod. The shell's
# own `read` would get the first byte alone, which is all that these files give at a time.
cd /proc/sys/net || exit
set -- ipv4/ip_forward ipv4/conf/all/rp_filter ipv6/conf/all/forwarding ipv6/conf/all/disable_ipv6 \
    ipv6/conf/lo/disable_ipv6 \
    ipv6/route/max_size bridge/bridge-nf-call-iptables bridge/bridge-nf-call-ip6tables \
    netfilter/nf_conntrack_count netfilter/nf_conntrack_max
for interface in /sys/class/net/*; do
    if [ -e "$interface/device" ] || [ "$interface" = /sys/class/net/eth0 ]; then
        interface=${interface##*/}
        set -- "$@" "ipv4/conf/$interface/forwarding" "ipv4/conf/$interface/rp_filter" \
            "ipv6/conf/$interface/forwarding" "ipv6/conf/$interface/disable_ipv6" \
            "ipv6/conf/$interface/accept_ra"
    fi
done
grep -sH '' "$@" | section setting
grep -sh '' /sys/class/net/*/brport/hairpin_mode | sort | uniq | section hairpin
grep -E '^(Ip6(InNoRoutes|OutNoRoutes|InTooBigErrors|InDiscards|OutDiscards|InAddrErrors)|Icmp6InPktTooBigs) ' \
    /proc/net/snmp6 2> /dev/null | section counter
grep '^nameserver' /etc/resolv.conf 2> /dev/null | head -n 10 | section nameserver
# Connections that wait for a server here: by what it listens (state 0A) and has not accepted, or accepted (01, or 08
# where the client has gone) and has not read.
for table in tcp tcp6; do
    grep -E ': [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} (0A|01|08) [0-9A-F]{8}:0*[1-9A-F]' "/proc/net/$table" \
        2> /dev/null | head -n "$most" | section "$table"
done
echo end
