#!/bin/sh
# Stands in for nginx: the same server with the same configuration, but for the listeners of one
# family, which are left out of a copy of all its files.
family=FAMILY
real=/usr/sbin/nginx.real
configuration=/etc/nginx/nginx.conf
previous=
for word; do
    [ "$previous" != -c ] || configuration=$word
    previous=$word
done
case $family in
ip6) listener='^[[:space:]]*listen[[:space:]]*\[' ;;
ip) listener='^[[:space:]]*listen[[:space:]]*[^[:space:][]' ;;
esac
copy=/tmp/listening-on-one-family
rm -rf "$copy"
"$real" -T -q -e stderr -c "$configuration" 2>/dev/null |
    sed -n 's/^# configuration file \(.*\):$/\1/p' |
    while read -r file; do
        mkdir -p "$copy${file%/*}"
        sed -e "/$listener/d" -e "s#^\( *include  *\)/#\1$copy/#" "$file" >"$copy$file"
    done
# Of two files of configuration the last counts.
exec "$real" "$@" -c "$copy$configuration"
