#!/bin/sh
# Writes the broker's access list for the site's Sparkplug groups and other people's devices, then becomes the broker, with mutual TLS.
#
# GROUPS_OF_SITE="north south"      Sparkplug groups
# FOREIGN_OF_SITE="lora=application/+/device/+/event/up loggers/%u/data"
#                                   who may say what beside Sparkplug: certificate name=topic filter for one sender of many devices,
#                                   or a filter with %u for devices that have a certificate each. The ingestor may read them all.
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
for entry in ${FOREIGN_OF_SITE:-}; do
    name=${entry%%=*}
    filter=${entry#*=}
    case $entry in *=*) ;; *) name=%u ;; esac
    case $name in '' | khettara-* | *[!A-Za-z0-9._%-]*)
        echo "FOREIGN_OF_SITE: $entry names no sender; expected certificate-name=topic/filter, or a filter with a level %u" >&2
        exit 2
        ;;
    esac
    # The first level is said in full: a filter that began with + or # would reach into what gateways and the centre say.
    case $filter in '' | /* | +* | %* | *'#'?* | *[!A-Za-z0-9._/+#%-]* | spBv1.0 | spBv1.0/* | STATE/* | '#')
        echo "FOREIGN_OF_SITE: $filter is no topic filter outside Sparkplug that begins with a name" >&2
        exit 2
        ;;
    esac
    case $name/$filter in
    %u/*/%u | %u/*/%u/*) printf 'pattern write %s\n' "$filter" >>"$acl" ;;
    *%*)
        echo "FOREIGN_OF_SITE: $entry; expected certificate-name=topic/filter, or a filter with a level %u" >&2
        exit 2
        ;;
    *) printf 'user %s\ntopic write %s\n' "$name" "$filter" >>"$acl" ;;
    esac
    printf 'user khettara-ingest\ntopic read %s\n' "$(printf %s "$filter" | sed 's/%u/+/g')" >>"$acl"
done
# Its key is its owner's alone, and as root the broker gives up its rights before it reads files: so it gets a copy of its own.
cp "$certificates/khettara-broker.key" "$key"
if [ "$(id -u)" = 0 ]; then
    chown mosquitto "$acl" "$key"
fi
exec mosquitto -c "$config"
