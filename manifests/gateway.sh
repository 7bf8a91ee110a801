#!/bin/sh
# Tells which addresses of this pod's network are deprecated (RFC 4862), for a pod in a node's own network those of
# the node. Connects to the default gateways of this pod's network, for a pod in a node's own network those of the node,
# and tells whether they were found on the link.
#
# Read-only but for one connection to a port of each gateway that nobody uses (9, discard), as any user, with
# busybox alone. It gives no meaning: the state of each neighbour (RFC 4861, 7.3.2) goes out as the kernel has it.
#
# Stdout: `deprecated ADDRESS INTERFACE`, parted by tabs, for each such address, `FAMILY ADDRESS INTERFACE STATE` for
# each gateway, then a line `end`.

export LC_ALL=C

# In how many half seconds the kernel knows. One that it knew before it asks again after five seconds
# (delay_first_probe_time), three times, a second each.
left=18

# `4 10.0.0.1 eth0` for each default route that leads to a gateway.
gateways() {
    for family in 4 6; do
        ip "-$family" route 2> /dev/null |
            sed -n "s/^default via \([0-9a-f.:]*\) dev \([^ ]*\).*/$family \1 \2/p"
    done
}

tab=$(printf '\t')
ip -o addr 2> /dev/null |
    sed -n "s|^[0-9]*: \([^ ]*\) *inet6* \([0-9a-f.:]*\)[ /].* deprecated .*|deprecated$tab\2$tab\1|p" |
    head -n 100

list=$(gateways)
if [ -z "$list" ]; then
    echo end
    exit
fi

while read -r _ gateway link; do
    case $gateway in
        fe80:*) gateway=$gateway%$link ;;
    esac
    nc -z -w 1 "$gateway" 9 > /dev/null 2>&1 < /dev/null &
done << LIST
$list
LIST
wait

while :; do
    told=
    open=
    while read -r family gateway link; do
        state=$(ip neigh show to "$gateway" dev "$link" 2> /dev/null | head -n 1)
        state=${state% }
        state=${state##* }
        case $state in
            INCOMPLETE | DELAY | PROBE) open=1 ;;
        esac
        told="$told$family	$gateway	$link	$state
"
    done << LIST
$list
LIST
    [ -n "$open" ] && [ "$left" -gt 0 ] || break
    left=$((left - 1))
    sleep 0.5
done
printf '%send\n' "$told"
