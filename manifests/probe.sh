#!/bin/sh
# Tries what it is told on stdin, from inside this pod, and tells what came of it on stdout.
#
# It gives no meaning: what wget, nc, dd or nslookup printed goes out as it is, and dualstack reads it.
# It runs in the shell of the official busybox image, from upstream's default configuration of
# version 1.35 and later, as any user, and writes no file.
#
# Stdin: a first line `dualstack-probe 4 PARALLEL`, then one line for each probe, then a line `.`.
#
#   ID http TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS:PORT PAYLOAD
#   ID request TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS:PORT SIZE
#   ID tcp  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID closed TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID unanswered TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID udp  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT SIZE
#   ID loss TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND ADDRESS PORT
#   ID dns  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND NAME TYPE
#   ID ask  TIMEOUT PATIENCE SETTLE DISTINCT SUCCESSES BOUND NAME ADDRESS PORT
#
# TIMEOUT, PATIENCE and SETTLE are milliseconds. A probe is tried again until its first success, or
# until SETTLE has passed since the start; after its first success, until it has SUCCESSES successes
# from DISTINCT backends, or fails, or until a sample of BOUND more that began after SETTLE is drawn.
#
# Until SETTLE and the first success an attempt is given up after PATIENCE, and after twice as long
# each further time, up to TIMEOUT: a packet that was sent too early is lost, and TCP would sit still
# for a second before the next. An attempt that was cut short is never the last one. Those for dns
# and ask are not cut short, for nslookup counts in seconds; nor are those for loss, which end by themselves.
#
# request sends one of SIZE bytes. closed wants a connection to be refused, and unanswered wants
# nobody to accept it. ask asks the DNS server at ADDRESS, and takes NXDOMAIN for an answer, too.
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

# How many datagrams a train has, and how many of them may stay without an answer: a train that
# loses so many ends there.
train=100
bearable=11

# Sends a train to the address that nc opened as stdin and stdout: each datagram when the one before
# it is answered, or after a tenth of a second. Answers that come late are waited for, so that a busy
# machine loses nothing. A read of one byte takes a whole datagram.
send_train() {
    sent=0
    answered=0
    while [ "$sent" -lt "$train" ]; do
        echo x
        sent=$((sent + 1))
        ! read -r -n 1 -t 0.1 _ || answered=$((answered + 1))
        if [ $((sent - answered)) -gt "$bearable" ]; then
            await_stragglers
            [ $((sent - answered)) -le "$bearable" ] || break
        fi
    done
    await_stragglers
    echo "sent=$sent answered=$answered" >&2
    [ $((sent - answered)) -le "$bearable" ]
}

# Takes late answers, until none comes for a second.
await_stragglers() {
    while [ "$answered" -lt "$sent" ] && read -r -n 1 -t 1 _; do
        answered=$((answered + 1))
    done
}

if [ "${1:-}" = train ]; then
    send_train
    exit
fi

newline='
'
tab=$(printf '\t')
return=$(printf '\r')
blank_header="$newline  $newline"

# The time in hundredths of a second, in $now; busybox's date knows only seconds.
clock() {
    read -r up _ < /proc/uptime
    now=$((${up%.*} * 100 + 1${up#*.} - 100))
}

# As many bytes as make the whole request as long as it must be: wget itself sends 83, and the target
# as the Host.
padding() {
    wanted=$((extra - 83 - ${#target}))
    [ "$wanted" -gt 0 ] || wanted=1
    bytes=x
    while [ "${#bytes}" -lt "$wanted" ]; do bytes=$bytes$bytes; done
    printf '%s' "${bytes:0:$wanted}"
}

# Becomes the tool that makes an attempt.
tool() {
    case $kind in
        http) exec wget -q -S -Y off -T "$seconds" -O - "http://$target/$path" ;;
        request)
            exec wget -q -S -Y off -T "$seconds" --header "X-Padding: $(padding)" -O - "http://$target/request"
            ;;
        tcp | closed | unanswered) exec nc -z -vv -w "$seconds" "$target" "$extra" ;;
        # The shell writes the datagram with one call, and dd reads one.
        udp)
            exec nc -v -u "$target" "${extra% *}" -e sh -c \
                'printf "%${1}s" x; exec dd bs=4096 count=1 status=none >&2' sh "${extra#* }"
            ;;
        # Only where one train after the other loses too much is a path called lossy.
        loss)
            for _ in 1 2 3; do
                ! nc -v -u "$target" "$extra" -e sh "$0" train || break
            done
            ;;
        dns) exec nslookup -type="$extra" -retry=1 -timeout="$seconds" "$target" ;;
        ask)
            exec nslookup -type=A -port="${extra#* }" -retry=1 -timeout="$seconds" "$target" \
                "${extra% *}"
            ;;
    esac
}

# What an attempt was, from what its tool printed and how it ended: sets $backend to the one that
# answered, empty where none did, and $line to what is told of it.
understand() {
    backend=
    # Without -v, nc would not say why it can't send; with it, it also says that it can.
    [ "$kind" != udp ] || printed=${printed#*" open$newline"}
    said=$kind
    [ "$said" != request ] || said=http
    case $how:$said:$printed in
        whole:http:*wget:\ *) ;;
        "whole:http:  HTTP/1."?" 200 "*"$blank_header"dualstack\ pod=*" "*)
            answer=${printed#*"$blank_header"}
            backend=${answer#dualstack pod=}
            backend=${backend%% *}
            body=${answer#*"$newline"}
            [ "${#body}" -ge "$payload" ] || backend=
            ;;
        whole:tcp:*\ open"$newline"*) backend=$target ;;
        whole:closed:*"onnection refused"*) backend=$target ;;
        whole:unanswered:*" open$newline"*) ;;
        *:unanswered:*) backend=$target ;;
        "whole:udp:dualstack pod="*" "*)
            backend=${printed#dualstack pod=}
            backend=${backend%% *}
            ;;
        whole:loss:*answered=[1-9]*) backend=$target ;;
        whole:ask:*"an't find"*": NXDOMAIN"*) backend=$target ;;
        whole:dns:*"an't find"* | whole:ask:*"an't find"*) ;;
        whole:dns:*Server:* | whole:ask:*Server:*) backend=$target ;;
    esac

    length=${#printed}
    tail=
    if [ "$length" -gt "$most_told" ]; then
        tail=${printed:$((length - 300))}
        printed=${printed:0:$((most_told - 300))}
    fi
    told=
    for text in "$printed" "$tail"; do
        text=${text//\\/\\\\}
        text=${text//$newline/\\n}
        text=${text//$return/\\r}
        text=${text//$tab/\\t}
        told="$told$tab$text"
    done
    ok=-
    [ -z "$backend" ] || ok=+
    line="a$tab$id$tab$how$tab$ok$tab$((now - begun))$tab$length$told"
}

# One attempt at something of which nothing is known yet: it is stopped when its time is over, and
# when it prints too much. Prints the backend and the line.
watched() {
    {
        # The shell that reads /proc/self is the process which the tool replaces.
        read -r -n 9 self _ < /proc/self/stat
        echo "$self"
        tool
    } < /dev/null 2>&1 | {
        IFS= read -r tool
        # Before 1.38, read tells an end of time from an end of file only by leaving the variable.
        printed=$tab
        IFS= read -r -d '' -n "$most" -t "$limit" printed
        status=$?
        clock
        how=whole
        if [ "$status" -eq 0 ]; then
            how=cut
        elif [ "$status" -gt 128 ] || [ "$printed" = "$tab" ]; then
            how=late
        fi
        [ "$printed" != "$tab" ] || printed=
        [ "$how" = whole ] || kill -9 "$tool" 2> /dev/null
        understand
        echo "$backend"
        echo "$line"
    }
}

# One attempt at what has answered as it should before, or that ends by itself. It takes much
# less of the processor's time: `read` takes each byte by itself.
plain() {
    printed=$(tool < /dev/null 2>&1)
    clock
    # The shell takes the last line's end away.
    [ "$payload" -gt 0 ] || printed=$printed$newline
    how=whole
    case $kind in
        dns | ask | loss) ;;
        *) [ $(((now - begun) * 10)) -le $((timeout + 1000)) ] || how=late ;;
    esac
    understand
}

# One attempt: sets $backend and $line.
attempt() {
    clock
    begun=$now
    case $kind$succeeded in
        dns* | ask* | loss* | http[1-9]* | request[1-9]*) plain ;;
        *)
            if [ "$payload" -gt 0 ]; then
                plain
            else
                line=$(watched)
                backend=${line%%"$newline"*}
                line=${line#*"$newline"}
            fi
            ;;
    esac
}

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

# One probe, from its first attempt to its last.
probe() {
    seconds=$(((timeout + 999) / 1000))
    decimal "$timeout"
    whole=$decimal
    payload=0
    path=
    out=
    most=8192
    most_told=1300
    case $kind in
        http)
            payload=$extra
            [ "$payload" -eq 0 ] || path=payload/$payload
            ;;
        dns | ask)
            most_told=2800
            patience=$timeout
            ;;
        loss) patience=$timeout ;;
    esac

    attempts=0
    succeeded=0
    drawn=0
    settled=0
    backends=0
    seen=' '
    pause=1
    while :; do
        attempts=$((attempts + 1))
        limit=$whole
        cut_short=0
        if [ "$succeeded" -eq 0 ] && [ "$payload" -eq 0 ] && [ "$patience" -lt "$timeout" ]; then
            settle
            if [ "$settled" -eq 0 ]; then
                decimal "$patience"
                limit=$decimal
                cut_short=1
                patience=$((patience * 2))
            fi
        fi
        attempt
        keep "$line"
        if [ -n "$backend" ]; then
            [ "$succeeded" -gt 0 ] || settle
            succeeded=$((succeeded + 1))
            drawn=$((drawn + 1))
            case $seen in
                *" $backend "*) ;;
                *)
                    seen="$seen$backend "
                    backends=$((backends + 1))
                    ;;
            esac
            [ "$succeeded" -lt "$successes" ] || [ "$backends" -lt "$distinct" ] || break
            if [ "$drawn" -gt "$bound" ]; then
                [ "$settled" -eq 0 ] || break
                # The proxy may not know all backends yet: a sample of then says nothing of now.
                settle
                drawn=0
                backends=0
                seen=' '
                write
                sleep 0.2
            fi
        else
            [ "$succeeded" -eq 0 ] || break
            write
            settle
            [ "$settled" -eq 0 ] || [ "$cut_short" -eq 1 ] || break
            sleep "0.$pause"
            [ "$pause" -ge 3 ] || pause=$((pause + 1))
        fi
    done
    keep "e$tab$id$tab$attempts"
    write
}

exec 3>&1
read -r name version parallel
[ "$name $version" = 'dualstack-probe 4' ] || exit 2
echo "h${tab}4"
clock
start=$now
probes=0
while read -r id kind timeout patience settle distinct successes bound target extra; do
    if [ "$id" = . ]; then
        wait
        echo "z$tab$probes"
        exit 0
    fi
    [ "$probes" -lt "$parallel" ] || wait -n
    probes=$((probes + 1))
    probe &
done
# Stdin ended before the last line did: what was asked for is not known whole.
exit 3
