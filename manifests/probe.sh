#!/bin/sh
# Tries what it is told on stdin, from inside this pod, and tells what came of it on stdout.
#
# It gives no meaning: what wget, nc, dd or nslookup printed goes out as it is, and dualstack reads it.
# It runs in the shell of the official busybox image, from upstream's default configuration of
# version 1.35 and later, as any user, and writes no file.
#
# Stdin: a first line `dualstack-probe 7 PARALLEL TOGETHER BRIEF HOLD`, then one line for each probe,
# then a line `.`.
#
#   ID GROUP http TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS:PORT PAYLOAD
#   ID GROUP request TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS:PORT SIZE
#   ID GROUP tcp  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID GROUP closed TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID GROUP unanswered TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID GROUP health TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT PATH STATUS
#   ID GROUP udp  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT SIZE
#   ID GROUP loss TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID GROUP dns  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND NAME TYPE
#   ID GROUP ask  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND NAME ADDRESS PORT
#
# All times are milliseconds. A probe is tried again until its first success, or
# until SETTLE has passed since the start; after its first success, until it has SUCCESSES successes
# from DISTINCT backends, or fails, or until a sample of BOUND more that began after SETTLE is drawn, of
# which several are drawn at once where it takes long. One attempt that runs out of time after a success
# does not end it: SUCCESSES more are to follow, and where DISTINCT is more than 1, BOUND more, from
# DISTINCT backends. A sample that fills slowly before SETTLE pauses between its attempts.
#
# Until SETTLE and the first success an attempt is given up after PATIENCE, and after twice as long
# each time that was too short, up to TIMEOUT: a packet that was sent too early is lost, and TCP would sit still
# for a second before the next. So is the first attempt after SETTLE, unless SETTLE is 0, when it is the
# only one. An attempt that was cut short is never the last one. Those for dns and ask are not cut short,
# for nslookup counts in seconds; nor are those for loss, which end by themselves. PATIENCE for closed is BRIEF
# at least.
#
# PARALLEL probes at once make their first attempts. Those that have failed once mostly wait, so they go
# on beside the others, TOGETHER probes in all. Of a GROUP the first goes on at once, for what holds up
# one most likely holds up all; the others when it gets through, or has spent its whole time in vain, or
# HOLD has passed since the start. Unless it got through, their attempts take only BRIEF (TCP repeats its
# SYN meanwhile), and the one that ends after SETTLE is the last: if in the end one of the GROUP has
# spent its whole time in vain, and none that failed at first got through, they are done in vain, too;
# otherwise they go on. A GROUP of 0 is none.
#
# request sends one of SIZE bytes. closed wants a connection to be refused, and unanswered wants
# nobody to accept it. health reads a page by HTTP, which must have STATUS unless that is 0. ask asks the DNS server at ADDRESS, and takes NXDOMAIN for an answer, too.
# udp sends one datagram of SIZE bytes and waits for one in answer. loss sends up to three trains of
# small datagrams, and prints for each how many were sent and answered.
#
# Stdout: one line for each thing that happens, its fields parted by tabs, one or more whole lines in
# a write of less than 4,096 bytes, so that lines of concurrent probes don't mix.
#
#   h VERSION                                 the script runs
#   a ID HOW OK HUNDREDTHS LENGTH HEAD TAIL   an attempt; in HEAD and TAIL, backslash, tab, newline
#                                             and carriage return are written \\ \t \n \r
#   e ID ATTEMPTS                             the probe is done
#   z PROBES                                  all are done
#
# OK is `+` where the script took the attempt for a success, and goes on accordingly, or `-`.
# HOW is `whole` (the tool ended), `late` (it was stopped at TIMEOUT) or `cut` (it printed more than
# was asked for, and was stopped). LENGTH counts all that it printed; HEAD and TAIL are its beginning
# and its end where it printed more than fits into a line.

export LC_ALL=C
# An address in brackets is no pattern.
set -f

. "${0%/*}/attempt.sh"
. "${0%/*}/sample.sh"

if [ "${1:-}" = train ]; then
    send_train
    exit
fi

# Writes the lines that are kept in $out, at once.
write() {
    [ -z "$out" ] || printf '%s' "$out" >&3
    out=
}

# Keeps a line to be written with those that follow soon: each write is carried far.
keep() {
    [ $((${#out} + ${#1})) -lt 4000 ] || write
    out="$out$1$newline"
}

# Notes in $settled whether everything had its time to settle.
settle() {
    clock
    [ $(((now - start) * 10)) -lt "$settle" ] || settled=1
}

# Milliseconds as seconds, in $decimal.
decimal() {
    decimal=$(($1 / 1000)).$((($1 % 1000) / 100))$((($1 % 100) / 10))$(($1 % 10))
}

# Tells what became of a probe, as the last act of its process.
#
#   first ID ATTEMPTS     its first attempt failed, and it is to be tried again
#   through ID ATTEMPTS   it is done, and had a success
#   vain ID ATTEMPTS      it is done, and had none in its whole time
#   brief ID ATTEMPTS     it had none in brief attempts; whether it is done is to be decided
#   broken ID ATTEMPTS    its process broke off
tell() {
    trap - EXIT
    write
    echo "$1 $id $attempts" >&4
}

# Sets what an attempt may take.
limit_to() {
    seconds=$((($1 + 999) / 1000))
    decimal "$1"
    whole=$decimal
}

# Reads what $line asks for.
prepare() {
    # shellcheck disable=SC2086 # Its fields are what is wanted.
    set -- $line
    id=$1 group=$2 kind=$3 timeout=$4 patience=$5 settle=$6 distinct=$7 successes=$8 bound=$9
    shift 9
    target=$1
    shift
    extra=$*
    payload=0
    path=
    if [ "$kind" = http ]; then
        payload=$extra
        [ "$payload" -eq 0 ] || path=payload/$payload
    fi
    limit_to "$timeout"
}

# A stage of the probe that was prepared, which has made so many attempts: the `first` one (and all others, where it
# succeeds), or all others, in their whole time (`again`) or `brief`.
probe() {
    stage=$1
    attempts=$2
    trap 'echo "broken $id $attempts" >&4' EXIT
    [ "$stage" != brief ] || [ "$timeout" -lt "$brief" ] || limit_to "$brief"
    out=
    most=8192
    most_told=1300
    case $kind in
        dns | ask)
            most_told=2800
            patience=$timeout
            ;;
        loss) patience=$timeout ;;
        # Linux drops an ICMP error that arrives while its own connect() still runs, as one from the same machine
        # does: only the SYN that is repeated after a second is refused.
        closed) [ "$patience" -ge "$brief" ] || patience=$brief ;;
    esac

    succeeded=0
    drawn=0
    settled=0
    stumbled=0
    backends=0
    seen=' '
    in_turn=4
    # What each of them took, and whether it was long.
    share=0
    slow=0
    pause=1
    # Nothing that may be tried again is concluded from one attempt, however late it began.
    more=0
    [ "$stage" != first ] || [ "$settle" -eq 0 ] || more=1
    case $stage in
        again)
            patience=$((patience * 2))
            pause=2
            sleep 0.1
            ;;
        brief) patience=$timeout ;;
    esac
    while :; do
        attempts=$((attempts + 1))
        limit=$whole
        cut_short=0
        if [ "$succeeded" -eq 0 ] && [ "$payload" -eq 0 ] && [ "$patience" -lt "$timeout" ]; then
            settle
            if [ "$settled" -eq 0 ] || [ "$more" -eq 1 ]; then
                decimal "$patience"
                limit=$decimal
                cut_short=1
            fi
        fi
        attempt
        keep "$line"
        if [ -n "$backend" ]; then
            succeed
        else
            if [ "$succeeded" -gt 0 ]; then
                clock
                stumble $((now - begun)) || break
                continue
            fi
            settle
            [ "$stage" != first ] || break
            [ "$settled" -eq 0 ] || [ "$cut_short" -eq 1 ] || break
            # What was refused at once needs no more time, and one lost datagram is to be no last one.
            [ $(((now - begun) * 10)) -lt "$patience" ] || patience=$((patience * 2))
            write
            sleep "0.$pause"
            [ "$pause" -ge 3 ] || pause=$((pause + 1))
            continue
        fi
        failed=0
        while may_draw_in_turn; do draw_in_turn || break; done
        # A sample that takes long meets a backend that lets connections wait: several wait at once.
        if [ "$failed" -eq 0 ] && [ "$kind" = http ] && [ "$distinct" -gt 1 ] &&
            [ $((now - answered)) -gt "$long" ] && ! enough && [ "$drawn" -le "$bound" ]; then
            draw_together || :
        fi
        if [ "$failed" -gt 0 ]; then
            [ "$failed" -eq 1 ] && stumble "$took" || break
            continue
        fi
        ! enough || break
        if [ "$drawn" -gt "$bound" ]; then
            [ "$settled" -eq 0 ] || break
            settle
            sample_anew
            write
            sleep 0.2
        elif [ "$settled" -eq 0 ] && [ "$distinct" -gt 1 ]; then
            settle
            [ "$settled" -eq 0 ] || sample_anew
            if [ "$drawn" -gt $((bound / 4)) ]; then
                # Most likely the proxy does not know a backend yet, and learns of it no sooner for being asked.
                write
                sleep 0.1
                answered=$((answered + 10))
            fi
        fi
    done
    case $succeeded:$stage:$more in
        0:brief:*) tell brief ;;
        0:first:1) tell first ;;
        0:*) end vain ;;
        *) end through ;;
    esac
}

# Ends a probe, and tells how.
end() {
    keep "e$tab$id$tab$attempts"
    tell "$1"
}

# Begins a stage of a probe in a process of its own, and beside it the tool of the first attempt: one started from
# there would take two processes more.
begin() {
    running=$((running + 1))
    prepare
    started=
    if [ "$1" != first ] || is_plain; then
        probe "$1" "$2" &
    else
        clock
        started=$now
        start_tool < /dev/null 2>&1 | probe "$1" "$2" &
    fi
    eval "stage_$id=\$1 process_$id=$!"
}

# Sets what is known of a probe: its $line and its $group; and in $found, of those of its group that
# failed at first, whether one went on (`led`), one spent its whole time in `vain`, or one got `through`.
recall() {
    eval "line=\$line_$id"
    group=${line#* }
    group=${group%% *}
    eval "found=\${found_$group:-}"
}

# Begins the first of those that are left.
begin_next() {
    id=${asked%% *}
    asked=${asked#* }
    recall
    active=$((active + 1))
    begin first 0
}

# Goes on with the first of those that may.
go_on() {
    if [ -n "$leading" ]; then
        id=${leading%% *}
        leading=${leading#* }
        stage=again
    else
        id=${following%% *}
        following=${following#* }
        stage=brief
    fi
    recall
    [ "$found" != through ] || stage=again
    eval "begin $stage \$attempts_$id"
}

# Holds a probe until its group's first one is done, or the time to hold is over.
hold_back() {
    eval "held_$group=\"\${held_$group:-}$id \""
    holding="$holding$group "
    held=$((held + 1))
    [ -z "$timer" ] || return 0
    clock
    left=$((hold - (now - start) * 10))
    [ "$left" -gt 0 ] || left=0
    decimal "$left"
    # A time limit to `read` would not do: it may pass in the middle of a line.
    { sleep "$decimal"; echo over >&4; } > /dev/null 2>&1 3>&- &
    timer=$!
}

# Lets those of a group that are held go on.
release() {
    eval "set -- \"$1\" \${held_$1:-}"
    eval "held_$1="
    shift
    for held_id; do
        following="$following$held_id "
        held=$((held - 1))
    done
}

# Waits until a probe tells what became of it, or the time to hold is over.
listen() {
    read -r told id attempts <&4
    if [ "$told" = over ]; then
        timer=over
        for group in $holding; do release "$group"; done
        return
    fi
    eval "stage=\$stage_$id attempts_$id=$attempts; wait \$process_$id"
    running=$((running - 1))
    [ "$stage" != first ] || active=$((active - 1))
    recall
    case $told:$stage:$group:$found in
        first:*:0:* | first:*:*:)
            eval "found_$group=led"
            leading="$leading$id "
            ;;
        first:*:led) if [ "$timer" = over ]; then following="$following$id "; else hold_back; fi ;;
        first:*) following="$following$id " ;;
        brief:*) undecided="$undecided$id " ;;
        *:first:* | *:0:*) ;;
        through:*)
            eval "found_$group=through"
            release "$group"
            ;;
        vain:*:led)
            eval "found_$group=vain"
            release "$group"
            ;;
    esac
}

# Ends those whose group was tried in vain, and lets the others go on.
decide() {
    for id in $undecided; do
        recall
        if [ "$found" = vain ]; then
            eval "echo \"e$tab$id$tab\$attempts_$id\""
        else
            leading="$leading$id "
        fi
    done
    undecided=
}

# Reads what is asked for, before anything is begun: the end of a process would interrupt it.
read_all() {
    probes=0
    asked=
    while read -r line; do
        [ "$line" != . ] || return 0
        id=${line%% *}
        eval "line_$id=\$line"
        asked="$asked$id "
        probes=$((probes + 1))
    done
    # Stdin ended before the last line did: what was asked for is not known whole.
    exit 3
}

# Carries out all that is asked for. Its own stdin is a pipe, through which probes tell what became of
# them.
carry_out() {
    exec 4<> /proc/self/fd/0
    clock
    start=$now
    running=0
    active=0
    leading=
    following=
    holding=
    held=0
    timer=
    undecided=
    while :; do
        room=$((together - running))
        # As long as there are first attempts to make, they have their place.
        [ -z "$asked" ] || room=$((room - parallel + active))
        if [ -n "$leading$following" ] && [ "$room" -gt 0 ]; then
            go_on
        elif [ -n "$asked" ] && [ "$active" -lt "$parallel" ]; then
            begin_next
        elif [ "$running" -gt 0 ] || [ "$held" -gt 0 ]; then
            listen
        elif [ -n "$undecided" ]; then
            decide
        else
            break
        fi
    done
    echo "z$tab$probes"
}

exec 3>&1
read -r name version parallel together brief hold
[ "$name $version" = 'dualstack-probe 7' ] || exit 2
echo "h${tab}7"
read_all
: | carry_out
