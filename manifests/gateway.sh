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

# In how many half seconds the kernel knows of one that did not answer. One that it knew before it asks again after
# five seconds (delay_first_probe_time), three times, a second each.
left=18

# `4 10.0.0.1 eth0` for each default route that leads to a gateway.
gateways() {
    for family in 4 6; do
        ip "-$family" route 2> /dev/null |
            sed -n "s/^default via \([0-9a-f.:]*\) dev \([^ ]*\).*/$family \1 \2/p"
    done
}

tab=$(printf '\t')
newline='
'
ip -o addr 2> /dev/null |
    sed -n "s|^[0-9]*: \([^ ]*\) *inet6* \([0-9a-f.:]*\)[ /].* deprecated .*|deprecated$tab\2$tab\1|p" |
    head -n 100

list=$(gateways)
if [ -z "$list" ]; then
    echo end
    exit
fi

# Prints the gateway if it answers, be it with a refusal.
ask() {
    to=$1
    case $to in
        fe80:*) to=$to%$2 ;;
    esac
    case $(nc -z -vv -w 1 "$to" 9 2>&1 < /dev/null) in
        *"onnection refused"* | *" open"*) echo "$1%$2" ;;
    esac
}

answered=$(
    while read -r _ gateway link; do
        ask "$gateway" "$link" &
    done << LIST
$list
LIST
    wait
)

while :; do
    told=
    open=
    while read -r family gateway link; do
        state=$(ip neigh show to "$gateway" dev "$link" 2> /dev/null | head -n 1)
        state=${state% }
        state=${state##* }
        case "$newline$answered$newline:$state" in
            *"$newline$gateway%$link$newline"*) ;;
            *:INCOMPLETE | *:DELAY | *:PROBE) open=1 ;;
        esac
        told="$told$family$tab$gateway$tab$link$tab$state$newline"
    done << LIST
$list
LIST
    [ -n "$open" ] && [ "$left" -gt 0 ] || break
    left=$((left - 1))
    sleep 0.5
done
printf '%send\n' "$told"
