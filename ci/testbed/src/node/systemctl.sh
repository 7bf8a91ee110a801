#!/bin/sh
# The part of systemctl that kubeadm and people at a node's shell call, over the supervisor that
# is the node's PID 1. A unit is a directory below $units: the file `want` in it asks for the unit
# to run, `state` tells what it does, `pid` its process. SIGHUP makes PID 1 look again.
units=/run/testbed/units
verb=
names=
for word; do
    case $word in
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else names="$names ${word%.service}"; fi ;;
    esac
done

known() {
    [ -d "$units/$1" ] && return
    echo "Unit $1.service could not be found." >&2
    exit 4
}

settle() { # UNIT STATE: waits for 20 s at most
    tries=400
    until [ "$(cat "$units/$1/state")" = "$2" ]; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "$1.service did not get $2" >&2; exit 1; }
        sleep 0.05
    done
}

start() {
    touch "$units/$1/want"
    kill -HUP 1
    settle "$1" active
}

stop() {
    rm -f "$units/$1/want"
    kill -HUP 1
    settle "$1" inactive
}

case $verb in
daemon-reload | enable | disable | reset-failed) exit 0 ;;
start | stop) for unit in $names; do known "$unit" && "$verb" "$unit"; done ;;
restart) for unit in $names; do known "$unit" && stop "$unit" && start "$unit"; done ;;
is-enabled) for unit in $names; do known "$unit" && echo enabled; done ;;
is-active)
    for unit in $names; do
        known "$unit"
        cat "$units/$unit/state"
        [ "$(cat "$units/$unit/state")" = active ] || exit 3
    done
    ;;
status)
    for unit in $names; do
        known "$unit"
        echo "$unit.service: $(cat "$units/$unit/state"), pid $(cat "$units/$unit/pid" 2>/dev/null)"
        tail -n 5 "/var/log/$unit.log" 2>/dev/null
        [ "$(cat "$units/$unit/state")" = active ] || exit 3
    done
    ;;
*)
    echo "systemctl: the testbed's stand-in knows no '$verb'" >&2
    exit 1
    ;;
esac
