#!/bin/sh
# The sample of a probe's successes: which backends answered, whether they are enough, and several attempts in one
# process or at once. Sourced by probe.sh, which says what is wanted, after attempt.sh.

# After how many hundredths of a second a sample takes long.
long=100
# And each of its attempts, on average.
waiting=25

# Takes note of a success.
succeed() {
    if [ "$succeeded" -eq 0 ]; then
        settle
        answered=$now
        limit_to "$timeout"
    fi
    succeeded=$((succeeded + 1))
    drawn=$((drawn + 1))
    case $seen in
        *" $backend "*) ;;
        *)
            seen="$seen$backend "
            backends=$((backends + 1))
            ;;
    esac
}

# Whether the successes are enough.
enough() {
    [ "$succeeded" -ge "$successes" ] && [ "$backends" -ge "$distinct" ]
}

# Forgets a sample: the proxy may not have known all backends then, which says nothing of now.
sample_anew() {
    drawn=0
    backends=0
    seen=' '
    in_turn=4
}

# Takes note of an attempt that failed after a success and took so many hundredths. A backend that kept
# one waiting was busy, or it is gone: more attempts tell which. Fails where this one ends the probe.
stumble() {
    [ "$stumbled" -eq 0 ] && [ $(($1 * 10)) -ge $((timeout - 20)) ] || return 1
    stumbled=1
    [ "$distinct" -gt 1 ] || bound=8
    [ "$successes" -ge "$bound" ] || successes=$bound
    successes=$((succeeded + successes))
    answered=$now
    sample_anew
    write
}

# Makes some attempts at once: more of them when hardly any probes are left that wait. Fails where some
# of them did: sets $failed to how many, and $took to how many hundredths the last of those took.
draw_together() {
    set -- 1 2 3
    [ $(((now - start) * 10)) -lt $((settle + timeout)) ] || set -- 1 2 3 4 5 6 7 8
    [ "$stumbled" -eq 0 ] || set -- "$@" "$@"
    lines=$(
        for _; do
            {
                attempt
                echo "$backend$tab$line"
            } &
        done
        wait
    )
    failed=0
    while IFS= read -r line; do
        backend=${line%%"$tab"*}
        attempts=$((attempts + 1))
        line=${line#*"$tab"}
        keep "$line"
        if [ -n "$backend" ]; then
            succeed
        else
            failed=$((failed + 1))
            took=${line#*"$tab"*"$tab"*"$tab"*"$tab"}
            took=${took%%"$tab"*}
        fi
    done << LINES
$lines
LINES
    clock
    [ "$failed" -eq 0 ]
}

# Whether one process may make the next attempts, one after the other. A proxy learns of a backend no sooner for being
# asked so fast, and a backend that lets connections wait would hold up the others.
may_draw_in_turn() {
    [ "$kind$payload" = http0 ] && ! enough && [ "$drawn" -le "$bound" ] || return 1
    [ "$settled" -eq 1 ] || [ "$distinct" -eq 1 ] || [ "$drawn" -le $((bound / 4)) ] || return 1
    [ "$slow" -eq 0 ]
}

# Makes some attempts in one process, one after the other, and more each time, up to one that fails. Fails
# where one did: sets $failed to 1, and $took to how many hundredths it took.
draw_in_turn() {
    size=$((bound + 1 - drawn))
    [ "$settled" -eq 1 ] || [ "$distinct" -eq 1 ] || size=$((bound / 4 + 1 - drawn))
    [ "$backends" -lt "$distinct" ] || size=$((successes - succeeded))
    [ "$size" -le "$in_turn" ] || size=$in_turn
    [ "$in_turn" -ge 16 ] || in_turn=$((in_turn * 2))
    set --
    while [ $# -lt "$size" ]; do set -- "$@" "http://$target/"; done
    clock
    begun=$now
    rest=$(exec wget -q -S -Y off -T "$seconds" -O - "$@" < /dev/null 2>&1)$newline
    clock
    took=$((now - begun))
    # On a busy machine all take long together, but each does not.
    [ "$took" -le "$long" ] || [ $((took / $#)) -le "$waiting" ] || slow=1
    # One that failed, which is the last, took all that those before it did not.
    late=
    case $rest in
        *"${newline}wget: "* | "wget: "*)
            late=$took
            slow=1
            ;;
        *) share=$((took / $#)) ;;
    esac
    failed=0
    how=whole
    [ $((share * 10)) -le $((timeout + 1000)) ] || how=late
    while [ -n "$rest" ]; do
        first_response
        begun=$((now - share))
        if [ -n "$late" ] && [ -z "$rest" ]; then
            begun=$((now - late))
        elif [ -n "$late" ] && [ "$late" -ge "$share" ]; then
            late=$((late - share))
        fi
        understand
        attempts=$((attempts + 1))
        keep "$line"
        if [ -z "$backend" ]; then
            failed=1
            took=$((now - begun))
            break
        fi
        succeed
    done
    [ "$failed" -eq 0 ]
}
