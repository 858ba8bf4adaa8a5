#!/bin/sh
# Makes the secrets that docker-compose.yml names, each once: an existing one is never changed.
# Compose mounts a secret with the mode of its file, and services do not run as root: so the files are readable and the folder is not.
set -eu
folder=${1:-$(dirname "$0")/../secrets}
umask 022
mkdir -p "$folder"
chmod 700 "$folder"
echo "*" >"$folder/.gitignore"
for name in db_admin db_ingest db_centre db_read mqtt_khettara mqtt_gateway grafana_admin; do
    if [ ! -s "$folder/$name" ]; then
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$name"
        chmod 644 "$folder/$name"
        echo "made $folder/$name"
    fi
done
