#!/bin/sh
# Starts the fixture's nginx in every family that the kernel has: where IPv6 is compiled out or
# switched off at boot, a listener on [::] would keep nginx from starting at all.
# What an earlier container of the pod left: nginx.pid says that nginx listens.
rm -f /tmp/nginx.pid

{
    echo 'listen 8080;'
    [ ! -e /proc/net/if_inet6 ] || echo 'listen [::]:8080 ipv6only=on;'
} > /tmp/listen.conf

exec nginx -e stderr -c /etc/dualstack/nginx.conf
