#!/bin/sh
# Prepares nginx's configuration by the scripts in /docker-entrypoint.d, then becomes the command.
set -e

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

scripts=/docker-entrypoint.d
case $1 in
nginx | nginx-debug)
    if [ -n "$(find "$scripts/" -mindepth 1 -maxdepth 1 -type f 2>/dev/null)" ]; then
        say "$scripts/ is not empty, will attempt to perform configuration"
        # A list in a file and not in a pipe: what an .envsh exports has to reach nginx.
        list=$(find "$scripts/" -follow -type f | sort -V)
        while read -r script; do
            case $script in
            *.envsh | *.sh)
                if [ ! -x "$script" ]; then
                    say "Ignoring $script, not executable"
                elif [ "${script%.envsh}" != "$script" ]; then
                    say "Sourcing $script"
                    . "$script"
                else
                    say "Launching $script"
                    "$script"
                fi
                ;;
            *) say "Ignoring $script" ;;
            esac
        done <<END
$list
END
        say "Configuration complete; ready for start up"
    else
        say "No files found in $scripts/, skipping configuration"
    fi
    ;;
esac

exec "$@"
