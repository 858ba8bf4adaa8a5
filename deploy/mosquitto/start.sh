#!/bin/sh
# Makes the broker's password file from the secrets, then becomes the broker.
set -eu
secrets=${SECRETS:-/run/secrets}
config=${CONFIG:-/mosquitto/config/mosquitto.conf}
passwords=$(sed -n 's/^password_file //p' "$config")

umask 077
for user in khettara gateway; do
    printf '%s:%s\n' "$user" "$(cat "$secrets/mqtt_$user")"
done >"$passwords"
mosquitto_passwd -U "$passwords"
# As root the broker gives up its rights before it reads the file.
if [ "$(id -u)" = 0 ]; then
    chown mosquitto "$passwords"
fi
exec mosquitto -c "$config"
