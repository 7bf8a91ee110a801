#!/bin/sh
# Debian's nginx with the stream module, which the official image's has built in. It has to be loaded
# before anything else is configured, and of several -g only the last one counts.
module='load_module /usr/lib/nginx/modules/ngx_stream_module.so;'
previous=
for word; do
    shift
    if [ "$previous" = -g ]; then
        set -- "$@" "$module $word"
        module=
    else
        set -- "$@" "$word"
    fi
    previous=$word
done
[ -z "$module" ] || set -- -g "$module" "$@"
exec /usr/lib/nginx/nginx "$@"
