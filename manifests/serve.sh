#!/bin/sh
# Serves in the probe's pod, so that the pod can be the backend of a Service: on port 8081 over TCP (HTTP)
# and UDP, or on DUALSTACK_PORT over TCP, in both families. It answers as nginx does (see nginx.conf). In
# the node's own network the hostname is the node's, so DUALSTACK_POD has the pod's name.
#
# busybox's tcpsvd and udpsvd run it again for each request, with the client at stdin and stdout.

# Sets $address to the address in `10.0.0.1:8081`, `[fd00::1]:8081` or `[::ffff:10.0.0.1]:8081`.
address() {
    address=${1%:*}
    address=${address#[}
    address=${address%]}
    case $address in
        ::ffff:*.*) address=${address#::ffff:} ;;
    esac
}

# Sets $line to what is answered: who we are, where the request arrived, and from whom.
identify() {
    pod=${DUALSTACK_POD:-}
    [ -n "$pod" ] || read -r pod < /proc/sys/kernel/hostname
    address "$1"
    server=$address
    address "$2"
    line="dualstack pod=$pod server=$server client=$address"
}

case ${PROTO:-} in
    TCP)
        identify "$TCPLOCALADDR" "$TCPREMOTEADDR"
        # Unread bytes would turn the end of the connection into a reset.
        while IFS= read -r header && [ "${#header}" -gt 1 ]; do :; done
        printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' \
            $((${#line} + 1)) "$line"
        ;;
    UDP)
        identify "$UDPLOCALADDR" "$UDPREMOTEADDR"
        echo "$line"
        ;;
    *)
        # Without it, process 1 would ignore SIGTERM, and the pod would take its grace period to end.
        trap 'exit 0' TERM
        # A listener on :: takes connections of both families.
        any=0.0.0.0
        [ ! -e /proc/net/if_inet6 ] || any=::
        port=${DUALSTACK_PORT:-8081}
        tcpsvd -c 100 -b 100 "$any" "$port" sh "$0" &
        # In the node's own network it would answer from another address than it was asked at.
        [ -n "${DUALSTACK_PORT:-}" ] || udpsvd -c 100 "$any" "$port" sh "$0" &
        sleep 3600 &
        wait
        ;;
esac
