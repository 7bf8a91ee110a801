# Builds kind's node image by kind itself, within the engine's enclosure, into the store at /storage.
#
#   sh image.sh BASE_IMAGE NODE_IMAGE
#
# /base is the root of the base image, /server holds what is in kubernetes-server.tar.gz.
set -eu
base=$1 node=$2

ip link set lo up
sh /engine/engine.sh /storage
# kind builds by this command alone. podman takes the same words, but of those that unset three proxy
# variables it makes one variable with a value, which the API server would take for its proxy.
cat > /usr/local/bin/docker << 'END'
#!/bin/sh
for word; do
    shift
    [ "$word" != 'ENV HTTP_PROXY="" HTTPS_PROXY="" NO_PROXY=""' ] || word='ENV container=docker'
    set -- "$@" "$word"
done
exec podman "$@"
END
chmod 755 /usr/local/bin/docker

echo "importing the base image"
tar -C /base --one-file-system -c . | podman import --quiet \
    --change 'ENV container=docker' \
    --change 'STOPSIGNAL SIGRTMIN+3' \
    --change 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' \
    - "$base"
echo "packing Kubernetes"
tar -C /server -c kubernetes | gzip -1 > /tmp/kubernetes-server.tar.gz
kind build node-image --type file --base-image "$base" --image "$node" /tmp/kubernetes-server.tar.gz
if podman image inspect --format '{{.Config.Env}}' "$node" | grep PROXY; then
    echo "the node image has a proxy of the build" >&2
    exit 1
fi
