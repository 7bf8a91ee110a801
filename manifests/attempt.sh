#!/bin/sh
# One attempt of a probe: which tool makes it, and what its backend is. Sourced by probe.sh, which says
# what the lines on stdout mean, and sets what is to be tried.

# How many datagrams a train has, and how many of them may stay without an answer: a train that
# loses so many ends there.
train=100
bearable=11
# How a train ends that lost too much, but not all.
lossy=3

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
    [ $((sent - answered)) -gt "$bearable" ] || await_stragglers
    echo "sent=$sent answered=$answered" >&2
    [ $((sent - answered)) -le "$bearable" ] || [ "$answered" -eq 0 ] || return "$lossy"
}

# Takes late answers, until none comes for a second.
await_stragglers() {
    while [ "$answered" -lt "$sent" ] && read -r -n 1 -t 1 _; do
        answered=$((answered + 1))
    done
}

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

# The path in `PORT PATH STATUS`.
page() {
    path_and_status=${extra#* }
    echo "${path_and_status% *}"
}

# Becomes the tool that makes an attempt.
tool() {
    case $kind in
        http) exec wget -q -S -Y off -T "$seconds" -O - "http://$target/$path" ;;
        request)
            exec wget -q -S -Y off -T "$seconds" --header "X-Padding: $(padding)" -O - "http://$target/request"
            ;;
        tcp | closed | unanswered) exec nc -z -vv -w "$seconds" "$target" "$extra" ;;
        # wget shows no page whose status is an error. With one -v, nc would not say that it was refused.
        health)
            exec nc -vv "$target" "${extra%% *}" -e sh -c \
                'printf "GET %s HTTP/1.0\r\nHost: dualstack\r\n\r\n" "$1"; exec dd bs=4096 status=none >&2' \
                sh "$(page)"
            ;;
        # The shell writes the datagram with one call, and dd reads one.
        udp)
            exec nc -v -u "$target" "${extra% *}" -e sh -c \
                'printf "%${1}s" x; exec dd bs=4096 count=1 status=none >&2' sh "${extra#* }"
            ;;
        flow)
            exec nc -v -u -p "${extra#* }" "$target" "${extra% *}" -e sh -c \
                'printf x; exec dd bs=4096 count=1 status=none >&2'
            ;;
        # Only where one train after the other loses too much is a path called lossy.
        loss)
            for _ in 1 2 3; do
                nc -v -u "$target" "$extra" -e sh "$0" train
                [ $? -eq "$lossy" ] || break
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
    case $kind in
        udp | flow | health) printed=${printed#*" open$newline"} ;;
    esac
    said=$kind
    case $said in
        request) said=http ;;
        flow) said=udp ;;
    esac
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
        "whole:health:HTTP/1."?" "*)
            status=${printed#"HTTP/1."? }
            wanted=${extra##* }
            [ "$wanted" != 0 ] && [ "${status%% *}" != "$wanted" ] || backend=$target
            ;;
        "whole:udp:dualstack pod="*" "*)
            backend=${printed#dualstack pod=}
            backend=${backend%% *}
            ;;
        whole:loss:*answered=[1-9]*) backend=$target ;;
        whole:ask:*"an't find"*": NXDOMAIN"*) backend=$target ;;
        # It may name the server first, and then find that it doesn't answer.
        whole:dns:*"no servers could be reached"* | whole:ask:*"no servers could be reached"*) ;;
        # A short name is asked for in all domains of the search path, and is found in one.
        whole:dns:*"${newline}Name:$tab"*) backend=$target ;;
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

# Takes the first response from what wget printed of several in $rest, and sets $printed to it. Each begins at a line
# of its own, and so does what wget says of one that it could not have, after which it ends.
first_response() {
    printed=${rest%%"$newline  HTTP/1."*}
    if [ "$printed" != "$rest" ]; then
        rest="  HTTP/1.${rest#*"$newline  HTTP/1."}"
        printed=$printed$newline
        return
    fi
    rest=
    case $printed in
        "  HTTP/1."?" 200 "*"$blank_header"dualstack\ pod=*"${newline}wget: "*)
            rest="wget: ${printed##*"${newline}wget: "}"
            printed=${printed%"$rest"}
            ;;
    esac
}

# Becomes the tool, and says first which process that is. For the left side of a pipe.
start_tool() {
    # The shell that reads /proc/self is the process which the tool replaces.
    read -r -n 9 self _ < /proc/self/stat
    echo "$self"
    tool
}

# What a tool prints into stdin here: it is stopped when its time is over, and when it prints too much. The
# shell that reads must have no children: the end of one would interrupt `read`, which begins anew then and
# forgets what it had.
hear() {
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
}

# One attempt at something of which nothing is known yet. The tool of the first one was started before, and prints
# into stdin.
watched() {
    if [ -n "$started" ]; then
        hear
        return
    fi
    line=$(
        start_tool < /dev/null 2>&1 | {
            hear
            echo "$backend"
            echo "$line"
        }
    )
    backend=${line%%"$newline"*}
    line=${line#*"$newline"}
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

# Whether the attempts of a kind are `plain` from the first one.
is_plain() {
    case $kind in
        dns | ask | loss) ;;
        *) [ "$payload" -gt 0 ] ;;
    esac
}

# One attempt: sets $backend and $line. Where its tool was started before, $started says when.
attempt() {
    begun=$started
    if [ -z "$begun" ]; then
        clock
        begun=$now
    fi
    case $kind$succeeded in
        http[1-9]* | request[1-9]*) plain ;;
        *) if is_plain; then plain; else watched; fi ;;
    esac
    started=
}
