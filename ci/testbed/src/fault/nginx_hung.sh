#!/bin/sh
# Stands in for nginx: the same server, all of whose processes are stopped as soon as it listens.
/usr/sbin/nginx.real "$@" &
master=$!
workers=
trap 'kill -9 $master $workers; exit' TERM QUIT INT
# Before it forks, it writes its process id where its configuration says.
written() {
    for file in /tmp/*.pid /run/*.pid; do
        [ ! -s "$file" ] || return 0
    done
    return 1
}
until written; do sleep 0.02; done
kill -STOP "$master"
for stat in /proc/[0-9]*/stat; do
    read -r pid _ _ parent _ < "$stat" 2> /dev/null || continue
    case $parent in
        "$master") workers="$workers $pid" ;;
    esac
done
[ -z "$workers" ] || kill -STOP $workers
while kill -0 "$master" 2> /dev/null; do
    sleep 3600 &
    wait $!
done
