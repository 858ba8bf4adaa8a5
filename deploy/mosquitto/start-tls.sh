#!/bin/sh
# Writes the broker's access list for the site's Sparkplug groups, then becomes the broker, with mutual TLS.
set -eu
config=${CONFIG:-/mosquitto/config/tls.conf}
template=${TEMPLATE:-$(dirname "$config")/tls.acl}
certificates=${CERTIFICATES:-/mosquitto/certificates}
acl=$(sed -n 's/^acl_file //p' "$config")
key=$(sed -n 's/^keyfile //p' "$config" | head -n 1)

if [ -z "${GROUPS_OF_SITE:-}" ]; then
    echo "GROUPS_OF_SITE names no Sparkplug group of the site; expected names between blanks, such as \"north south\"" >&2
    exit 2
fi
umask 077
: >"$acl"
set -f
for group in $GROUPS_OF_SITE; do
    case $group in *[!A-Za-z0-9._-]*)
        echo "GROUPS_OF_SITE: $group is no group; expected letters, digits and . _ -" >&2
        exit 2
        ;;
    esac
    sed "s/@group@/$group/g" "$template" >>"$acl"
done
# Its key is its owner's alone, and as root the broker gives up its rights before it reads files: so it gets a copy of its own.
cp "$certificates/khettara-broker.key" "$key"
if [ "$(id -u)" = 0 ]; then
    chown mosquitto "$acl" "$key"
fi
exec mosquitto -c "$config"
