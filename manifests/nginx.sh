#!/bin/sh
# Starts the fixture's nginx in every family that the kernel has: where IPv6 is compiled out or
# disabled at boot, a listener on [::] would keep nginx from starting at all.

# A pid file of an earlier container of the pod: nginx.pid means that nginx listens.
rm -f /tmp/nginx.pid

for protocol in '' ' udp'; do
    {
        echo "listen 8080$protocol;"
        [ ! -e /proc/net/if_inet6 ] || echo "listen [::]:8080$protocol ipv6only=on;"
    } > "/tmp/listen${protocol:+-udp}.conf"
done

exec nginx -e stderr -c /etc/dualstack/nginx.conf
