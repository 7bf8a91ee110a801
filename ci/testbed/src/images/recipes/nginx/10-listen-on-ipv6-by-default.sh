#!/bin/sh
# Lets nginx listen on IPv6 too, where there is IPv6 and nobody has changed the default configuration.
set -e

name=$(basename "$0")
conf=/etc/nginx/conf.d/default.conf

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$name: $*"
}

if [ ! -f /proc/net/if_inet6 ]; then
    say "info: ipv6 not available"
elif [ ! -f "$conf" ]; then
    say "info: $conf is not a file or does not exist"
elif ! touch "$conf" 2>/dev/null; then
    say "info: can not modify $conf (read-only file system?)"
elif grep -q 'listen  \[::]:80;' "$conf"; then
    say "info: IPv6 listen already enabled"
elif [ "$(cat "$conf")" != "$(cat /usr/share/nginx/default.conf)" ]; then
    say "info: $conf differs from the packaged version"
else
    # Not in place by sed -i, which would need to write to the directory as well.
    changed=$(sed 's/^\( *\)listen       80;$/&\n\1listen  [::]:80;/' "$conf")
    printf '%s\n' "$changed" >"$conf"
    say "info: Enabled listen on IPv6 in $conf"
fi
